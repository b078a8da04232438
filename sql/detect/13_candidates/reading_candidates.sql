-- Which readings have level HIGH or CRITICAL? One row per device, alert type, level and minute, without delay.
-- EVIDENCE stands for the columns of measurements.
CREATE TEMPORARY VIEW reading_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'readings' AS cause,
  alert_type,
  risk_level AS level,
  risk_score,
  event_time,
  is_late,
  profile_version,
  limits,
  COALESCE(is_held, FALSE) AS is_held,
  held_until,
  idx,
  base_risk,
  floor_risk,
  rule_risk,
  status_risk,
  pattern_risk,
  indicator_risk,
  confidence,
  max_temperature,
  ${EVIDENCE}
FROM first_readings
