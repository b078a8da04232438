-- At which sites are several devices at risk together? One row per site and minute.
CREATE TEMPORARY VIEW site_candidates AS
SELECT
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  'site_risk' AS cause,
  'SITE_CLUSTER' AS alert_type,
  CASE WHEN site_risk >= ${CRITICAL} THEN 'CRITICAL' ELSE 'HIGH' END AS level,
  site_risk AS risk_score,
  window_end AS event_time,
  devices,
  devices_high,
  worst_reading,
  REGEXP_REPLACE(ranked_names, '(?m)^[0-9]{7}', '') AS device_names,
  held_until
FROM site_windows
WHERE is_hazard
