-- Where does a fire perhaps begin? One row per device and slice that is warmer than its minute explains.
CREATE TEMPORARY VIEW early_heat_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'early_heat' AS cause,
  'EARLY_HEAT' AS alert_type,
  level,
  CASE level WHEN 'HIGH' THEN ${HIGH} ELSE ${MEDIUM} END AS risk_score,
  slice_end AS event_time,
  highest AS max_temperature,
  temperature_rise,
  worst_reading,
  profile_version,
  held_until
FROM warming_devices
