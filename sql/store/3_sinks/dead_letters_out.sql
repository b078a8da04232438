-- One row per refused message, with its first bytes in base64. What people do with it is in columns that are not named here.
CREATE TABLE dead_letters_out (
  source         STRING,
  schema_version INT,
  record_time    STRING,
  reason         STRING,
  message        STRING,
  size_bytes     BIGINT,
  sha256         STRING,
  is_cut         BOOLEAN,
  PRIMARY KEY (source) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  'table-name' = 'dead_letters',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
