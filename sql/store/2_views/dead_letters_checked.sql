-- Which dead letters can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- The limits are those of readings_checked; of a reason the beginning is enough.
CREATE TEMPORARY VIEW dead_letters_checked AS
SELECT
  source, schema_version, record_time, LEFT(REPLACE(reason, U&'\0000', ''), 2000) AS reason, message, size_bytes,
  CASE WHEN REGEXP(sha256, '${SHA256}') THEN sha256 END AS sha256, COALESCE(is_cut, FALSE) AS is_cut, topic, `position`,
  CASE
    WHEN REGEXP(source, '${NAME}') IS NOT TRUE
      THEN 'source must be 1 to 256 characters, none of them control characters'
    WHEN record_time IS NOT NULL AND (REGEXP(record_time, '${TIME}') IS FALSE
      OR TRY_CAST(LEFT(record_time, 10) AS DATE) IS NULL)
         THEN 'record_time must be a time like 2025-10-09T09:00:00.959Z'
    WHEN REGEXP(message, '${BASE64}') IS FALSE THEN 'message must be base64'
    WHEN schema_version IS NULL OR reason IS NULL THEN 'schema_version must be a number and reason a text'
  END AS fault
FROM dead_letters_in
