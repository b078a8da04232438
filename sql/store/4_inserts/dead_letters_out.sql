-- Every usable dead letter.
INSERT INTO dead_letters_out (
  source, schema_version, record_time, reason, message
)
SELECT
  source, schema_version, record_time, reason, message
FROM dead_letters_checked
WHERE fault IS NULL
