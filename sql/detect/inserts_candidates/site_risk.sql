-- Sites where several devices are at risk together.
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
  devices,
  devices_high,
  is_held,
  held_until
)
SELECT
  1 AS schema_version,
  'CANDIDATE' AS kind,
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  'site_risk' AS cause,
  'SITE_CLUSTER' AS alert_type,
  CASE WHEN site_risk >= ${CRITICAL} THEN 'CRITICAL' ELSE 'HIGH' END AS level,
  site_risk AS risk_score,
  DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  devices,
  devices_high,
  COALESCE(DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM site_windows
WHERE is_hazard
