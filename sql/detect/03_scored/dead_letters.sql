-- Which messages were refused, and why? One row per refused message, with its original bytes and where it stood.
CREATE TEMPORARY VIEW dead_letters AS
SELECT
  source,
  record_time,
  r.reason AS reason,
  message
FROM decoded
WHERE r.reason IS NOT NULL
