-- One row per message that was left out: where it lies and why.
CREATE TABLE store_refusals_out (
  source STRING,
  topic  STRING,
  reason STRING,
  PRIMARY KEY (source) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'store_refusals',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
