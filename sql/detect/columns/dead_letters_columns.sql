-- The columns of the dead-letters topic; `message` becomes base64 in JSON.
CREATE TEMPORARY TABLE dead_letters_columns (
  schema_version INT,
  source STRING,
  record_time STRING,
  reason STRING,
  message BYTES,
  size_bytes BIGINT,
  sha256 STRING,
  is_cut BOOLEAN
)
