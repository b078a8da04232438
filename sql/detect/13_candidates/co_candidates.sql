-- Which minutes have too high an exposure to carbon monoxide? One row per device and minute.
CREATE TEMPORARY VIEW co_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'co_exposure' AS cause,
  'CO_EXPOSURE' AS alert_type,
  'HIGH' AS level,
  risk_score,
  minute_end AS event_time,
  avg_co_10min,
  avg_co_60min,
  worst_reading_10min AS worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE is_exposed
