-- One row per site and minute.
CREATE TABLE site_risk_out (
  site_id        STRING,
  window_end     STRING,
  schema_version INT,
  window_start   STRING,
  devices        BIGINT,
  devices_high   BIGINT,
  mean_risk      DOUBLE,
  max_risk       DOUBLE,
  site_risk      DOUBLE,
  risk_level     STRING,
  PRIMARY KEY (site_id, window_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'site_risk',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
