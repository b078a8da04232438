INSERT INTO temperature_anomalies_out (
  schema_version,
  device_id,
  site_id,
  minute_end,
  temperature,
  mean,
  stddev,
  risk_score,
  anomaly_type
)
SELECT
  schema_version,
  device_id,
  site_id,
  minute_end,
  temperature,
  mean,
  stddev,
  risk_score,
  anomaly_type
FROM temperature_anomalies
