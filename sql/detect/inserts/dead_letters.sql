INSERT INTO dead_letters_out (
  schema_version,
  source,
  record_time,
  reason,
  message
)
SELECT
  schema_version,
  source,
  record_time,
  reason,
  message
FROM dead_letters
