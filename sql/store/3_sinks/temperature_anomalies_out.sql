-- One row per device and minute hotter than its hour explains.
CREATE TABLE temperature_anomalies_out (
  device_id      STRING,
  minute_end     STRING,
  schema_version INT,
  site_id        STRING,
  temperature    DOUBLE,
  mean           DOUBLE,
  stddev         DOUBLE,
  risk_score     DOUBLE,
  anomaly_type   STRING,
  PRIMARY KEY (device_id, minute_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'temperature_anomalies',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
