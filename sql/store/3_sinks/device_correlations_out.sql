-- One row per pair of a site's devices and minute, one of them at risk.
CREATE TABLE device_correlations_out (
  site_id          STRING,
  window_end       STRING,
  device1          STRING,
  device2          STRING,
  schema_version   INT,
  window_start     STRING,
  temp_diff        DOUBLE,
  risk_diff        DOUBLE,
  avg_risk         DOUBLE,
  correlation_type STRING,
  PRIMARY KEY (site_id, window_end, device1, device2) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'device_correlations',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
