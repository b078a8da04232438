INSERT INTO dead_letters_out (
  schema_version,
  source,
  record_time,
  reason,
  message,
  size_bytes,
  sha256,
  is_cut
)
SELECT
  schema_version,
  source,
  record_time,
  reason,
  message,
  size_bytes,
  sha256,
  is_cut
FROM dead_letters
