-- One row per device and 5 minutes with at least ten minutes of readings.
CREATE TABLE device_patterns_out (
  device_id              STRING,
  window_end             STRING,
  schema_version         INT,
  site_id                STRING,
  window_start           STRING,
  minutes                BIGINT,
  temperature_slope      DOUBLE,
  temperature_change     DOUBLE,
  risk_slope             DOUBLE,
  arc_pattern            STRING,
  periodicity_minutes    DOUBLE,
  risk_volatility        DOUBLE,
  is_rapid_risk_change   BOOLEAN,
  is_sustained_high_risk BOOLEAN,
  sensor_anomalies       STRING,
  trend                  STRING,
  confidence             DOUBLE,
  PRIMARY KEY (device_id, window_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'device_patterns',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
