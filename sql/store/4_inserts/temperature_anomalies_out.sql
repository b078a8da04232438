-- Every usable anomaly of temperature.
INSERT INTO temperature_anomalies_out (
  device_id, minute_end, schema_version, site_id, temperature, mean, stddev, risk_score, anomaly_type
)
SELECT
  device_id, minute_end, schema_version, site_id, temperature, mean, stddev, risk_score, anomaly_type
FROM derived_checked
WHERE kind = 'temperature_anomalies' AND fault IS NULL
