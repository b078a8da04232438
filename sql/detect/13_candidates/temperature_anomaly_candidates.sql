-- Which temperature anomalies are hot enough for an alert? One row per device and minute.
CREATE TEMPORARY VIEW temperature_anomaly_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'temperature_anomalies' AS cause,
  'TEMPERATURE_ANOMALY' AS alert_type,
  'CRITICAL' AS level,
  risk_score,
  minute_end AS event_time,
  max_temperature,
  avg_temperature_60min AS mean,
  temp_stddev_60min AS stddev,
  worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE is_anomaly AND max_temperature > ${ANOMALY_CRITICAL_C}
