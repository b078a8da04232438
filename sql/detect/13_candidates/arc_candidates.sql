-- Which minutes have frequent arcs in their last ${RECENT_MINUTES} minutes? One row per device and minute.
CREATE TEMPORARY VIEW arc_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'arc_patterns' AS cause,
  'ARC_MAINTENANCE' AS alert_type,
  'MEDIUM' AS level,
  risk_score,
  minute_end AS event_time,
  arcs_10min AS total_arcs_10min,
  worst_reading_10min AS worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE is_arcing
