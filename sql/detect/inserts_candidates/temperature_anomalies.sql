-- Minutes far hotter than their hour explains, and hot.
INSERT INTO candidates_out (
  schema_version,
  kind,
  subject_kind,
  subject,
  site_id,
  cause,
  alert_type,
  level,
  risk_score,
  event_time,
  is_late,
  max_temperature,
  mean,
  stddev,
  profile_version,
  is_held,
  held_until
)
SELECT
  1 AS schema_version,
  'CANDIDATE' AS kind,
  'DEVICE' AS subject_kind,
  device_id AS subject,
  site_id,
  'temperature_anomalies' AS cause,
  'TEMPERATURE_ANOMALY' AS alert_type,
  'CRITICAL' AS level,
  risk_score,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  max_temperature,
  avg_temperature_60min AS mean,
  temp_stddev_60min AS stddev,
  profile_version,
  COALESCE(DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM minute_findings
WHERE is_anomaly AND max_temperature > ${ANOMALY_CRITICAL_C}
