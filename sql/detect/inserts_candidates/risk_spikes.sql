-- Minutes whose risk jumped by far.
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
  risk_change,
  previous_risk_score,
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
  'risk_spikes' AS cause,
  'RISK_SPIKE' AS alert_type,
  'CRITICAL' AS level,
  risk_score,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  risk_change,
  previous_risk_score,
  profile_version,
  COALESCE(DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM minute_findings
WHERE is_spike AND risk_change > ${SPIKE_CRITICAL}
