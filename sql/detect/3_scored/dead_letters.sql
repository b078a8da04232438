-- Which messages were refused, and why? One row per refused message, with its original bytes and where it stood.
CREATE TEMPORARY VIEW dead_letters AS
SELECT
  1 AS schema_version,
  source,
  DATE_FORMAT(record_time, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS record_time,
  r.reason AS reason,
  message
FROM decoded
WHERE r.reason IS NOT NULL
