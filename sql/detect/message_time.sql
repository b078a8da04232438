-- When does a message say it was measured? An expression over `message`, used by every telemetry_raw; NULL when it cannot tell.
-- Epoch milliseconds of a flat object first (one anchored regular expression, and the last of repeated fields as JSON readers
-- take it), then of any object, then ISO-8601: the local date-time minus its offset. TO_TIMESTAMP_LTZ would ignore the offset.
-- The decoder reads the same forms (udfs/event_time.py) and refuses a message whose two readings differ.
COALESCE(
  TO_TIMESTAMP_LTZ(TRY_CAST(REGEXP_EXTRACT(CAST(message AS STRING),
    '^\s*\{[^{}\\]*"timestamp"\s*:\s*"?(\d{1,15})"?\s*[,}]', 1) AS BIGINT), 3),
  TO_TIMESTAMP_LTZ(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(CAST(message AS STRING), '$.timestamp'),
    '^([0-9][0-9.E]{0,30})$', 1) AS DECIMAL(20, 0)), 3),
  TIMESTAMPADD(MINUTE,
    - COALESCE(TRY_CAST(REGEXP_EXTRACT(JSON_VALUE(CAST(message AS STRING), '$.timestamp'),
        '([+-]\d{2}):?(\d{2})?$', 1) AS INT), 0) * 60
    - COALESCE(TRY_CAST(CONCAT(
        REGEXP_EXTRACT(JSON_VALUE(CAST(message AS STRING), '$.timestamp'), '([+-])\d{2}:?\d{2}$', 1),
        REGEXP_EXTRACT(JSON_VALUE(CAST(message AS STRING), '$.timestamp'), '[+-]\d{2}:?(\d{2})$', 1)) AS INT), 0),
    TRY_CAST(REPLACE(REGEXP_EXTRACT(JSON_VALUE(CAST(message AS STRING), '$.timestamp'),
      '^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?)(Z|[+-]\d{2}(:?\d{2})?)?$', 1), 'T', ' ')
      AS TIMESTAMP_LTZ(3)))
)
