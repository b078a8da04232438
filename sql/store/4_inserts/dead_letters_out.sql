-- Every usable dead letter.
INSERT INTO dead_letters_out (
  source, schema_version, record_time, reason, message, size_bytes, sha256, is_cut
)
SELECT
  source, schema_version, record_time, reason, message, size_bytes, sha256, is_cut
FROM dead_letters_checked
WHERE fault IS NULL
