-- One row per device and five minutes with readings.
CREATE TABLE device_5min_aggregates_out (
  device_id       STRING,
  window_end      STRING,
  schema_version  INT,
  site_id         STRING,
  window_start    STRING,
  avg_temperature DOUBLE,
  max_temperature DOUBLE,
  min_temperature DOUBLE,
  temp_stddev     DOUBLE,
  avg_risk_score  DOUBLE,
  max_risk_score  DOUBLE,
  total_arcs      BIGINT,
  avg_current     DOUBLE,
  max_current     DOUBLE,
  record_count    BIGINT,
  PRIMARY KEY (device_id, window_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'device_5min_aggregates',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
