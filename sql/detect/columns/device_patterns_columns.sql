-- The columns of the device-patterns topic; one row per device and 5 minutes.
CREATE TEMPORARY TABLE device_patterns_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  minutes BIGINT,
  temperature_slope DOUBLE,
  temperature_change DOUBLE,
  risk_slope DOUBLE,
  arc_pattern STRING,
  periodicity_minutes DOUBLE,
  risk_volatility DOUBLE,
  is_rapid_risk_change BOOLEAN,
  is_sustained_high_risk BOOLEAN,
  sensor_anomalies ARRAY<STRING>,
  trend STRING,
  confidence DOUBLE
)
