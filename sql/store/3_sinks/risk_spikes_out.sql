-- One row per device and minute whose risk jumped.
CREATE TABLE risk_spikes_out (
  device_id           STRING,
  minute_end          STRING,
  schema_version      INT,
  site_id             STRING,
  risk_score          DOUBLE,
  previous_risk_score DOUBLE,
  risk_change         DOUBLE,
  PRIMARY KEY (device_id, minute_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'risk_spikes',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
