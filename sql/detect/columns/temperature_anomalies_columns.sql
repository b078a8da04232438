-- The columns of the temperature-anomalies topic; one row per device and minute hotter than its hour explains.
CREATE TEMPORARY TABLE temperature_anomalies_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  minute_end STRING,
  temperature DOUBLE,
  mean DOUBLE,
  stddev DOUBLE,
  risk_score DOUBLE,
  anomaly_type STRING
)
