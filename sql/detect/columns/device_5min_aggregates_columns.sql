-- The columns of the device-5min-aggregates topic; one row per device and 5 minutes with readings.
CREATE TEMPORARY TABLE device_5min_aggregates_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  avg_temperature DOUBLE,
  max_temperature DOUBLE,
  min_temperature DOUBLE,
  temp_stddev DOUBLE,
  avg_risk_score DOUBLE,
  max_risk_score DOUBLE,
  total_arcs BIGINT,
  avg_current DOUBLE,
  max_current DOUBLE,
  record_count BIGINT
)
