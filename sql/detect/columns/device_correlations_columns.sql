-- The columns of the device-correlations topic; one row per pair of a site's devices and minute.
CREATE TEMPORARY TABLE device_correlations_columns (
  schema_version INT,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  device1 STRING,
  device2 STRING,
  temp_diff DOUBLE,
  risk_diff DOUBLE,
  avg_risk DOUBLE,
  correlation_type STRING
)
