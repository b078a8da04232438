-- Which time does a message state? Epoch milliseconds, an expression over `message`; NULL if the message has no valid time.
-- A flat object is read by one anchored regular expression for epoch milliseconds and one for UTC; of repeated fields the last
-- one counts, as for JSON parsers. Any other object, and any offset, is read by JSON path: the local date and time minus the
-- offset, which a cast would ignore. CASE avoids evaluating both ways, as COALESCE does. The decoder reads the same forms
-- (udfs/readings/event_time.py) and refuses a message in which it reads another time. A number of 16 digits is read as none: it
-- is centuries ahead of any arrival, and so has the same event time. STAMP is the text that JSON
-- path finds.
CASE
  WHEN REGEXP(CAST(message AS STRING), '^\s*\{[^{}\\]*"timestamp"\s*:\s*"?\d{1,15}"?\s*[,}]') THEN
    TRY_CAST(REGEXP_EXTRACT(CAST(message AS STRING),
      '^\s*\{[^{}\\]*"timestamp"\s*:\s*"?(\d{1,15})"?\s*[,}]', 1) AS BIGINT)
  WHEN REGEXP(CAST(message AS STRING),
      '^\s*\{[^{}\\]*"timestamp"\s*:\s*"\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?Z?"\s*[,}]') THEN
    1000 * EXTRACT(EPOCH FROM TRY_CAST(REPLACE(REGEXP_EXTRACT(CAST(message AS STRING),
      '^\s*\{[^{}\\]*"timestamp"\s*:\s*"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?)Z?"\s*[,}]', 1), 'T', ' ')
      AS TIMESTAMP_LTZ(3)))
    + EXTRACT(MILLISECOND FROM TRY_CAST(REPLACE(REGEXP_EXTRACT(CAST(message AS STRING),
      '^\s*\{[^{}\\]*"timestamp"\s*:\s*"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?)Z?"\s*[,}]', 1), 'T', ' ')
      AS TIMESTAMP_LTZ(3)))
  ELSE COALESCE(
    CAST(TRY_CAST(REGEXP_EXTRACT(
      ${STAMP},
      '^([0-9]{1,15}(\.[0-9]{1,30})?(E\+?[0-9]{1,2})?)$', 1) AS DECIMAL(18, 0)) AS BIGINT),
    1000 * EXTRACT(EPOCH FROM TRY_CAST(REPLACE(REGEXP_EXTRACT(
      ${STAMP},
        '^(\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?)(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?$', 1), 'T', ' ')
        AS TIMESTAMP_LTZ(3)))
    + EXTRACT(MILLISECOND FROM TRY_CAST(REPLACE(REGEXP_EXTRACT(
      ${STAMP},
        '^(\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?)(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?$', 1), 'T', ' ')
        AS TIMESTAMP_LTZ(3)))
    - COALESCE(TRY_CAST(REGEXP_EXTRACT(
      ${STAMP},
          '([+-]\d{2}):?(\d{2})?$', 1) AS INT), 0) * 3600000
    - COALESCE(TRY_CAST(CONCAT(
          REGEXP_EXTRACT(
      ${STAMP}, '([+-])\d{2}:?\d{2}$', 1),
          REGEXP_EXTRACT(
      ${STAMP}, '[+-]\d{2}:?(\d{2})$', 1)) AS INT), 0) * 60000)
END
