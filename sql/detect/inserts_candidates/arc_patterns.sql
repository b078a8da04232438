-- Minutes with frequent arcs in their last ten.
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
  total_arcs_10min,
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
  'arc_patterns' AS cause,
  'ARC_MAINTENANCE' AS alert_type,
  'MEDIUM' AS level,
  risk_score,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  arcs_10min AS total_arcs_10min,
  profile_version,
  COALESCE(DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM minute_findings
WHERE is_arcing
