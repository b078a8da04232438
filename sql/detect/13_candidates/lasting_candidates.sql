-- Which hazards last for a whole minute? One row per device, minute and kind of hazard.
CREATE TEMPORARY VIEW lasting_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'lasting_hazards' AS cause,
  hazard AS alert_type,
  hazard_level AS level,
  GREATEST(risk_score, IF(hazard_level = 'HIGH', ${HIGH}, ${MEDIUM})) AS risk_score,
  minute_end AS event_time,
  CASE WHEN hazard = 'OVERCURRENT' THEN current_sum / current_count END AS avg_current,
  CASE WHEN hazard = 'OVERCURRENT' THEN avg_current_60min END AS avg_current_60min,
  CASE WHEN hazard = 'OVERCURRENT' THEN rated_current END AS rated_current,
  CASE WHEN hazard = 'SENSOR_FAULT' THEN sensor_fault END AS sensor_fault,
  worst_reading,
  profile_version,
  held_until
FROM minute_hazards
