-- Which dead letters can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- The limits are those of readings_checked; of a reason the beginning is enough.
CREATE TEMPORARY VIEW dead_letters_checked AS
SELECT
  source, schema_version, record_time, LEFT(REPLACE(reason, U&'\0000', ''), 2000) AS reason, message, topic, `position`,
  CASE
    WHEN REGEXP(DECODE(ENCODE(source, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'source must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN record_time IS NOT NULL AND (REGEXP(record_time, '${TIME}') IS FALSE
      OR TRY_CAST(LEFT(record_time, 10) AS DATE) IS NULL)
         THEN 'record_time must be a time like 2025-10-09T09:00:00.959Z'
    WHEN REGEXP(message, '${BASE64}') IS FALSE THEN 'message must be base64'
    WHEN schema_version IS NULL OR reason IS NULL THEN 'schema_version must be a number and reason a text'
  END AS fault
FROM dead_letters_in
