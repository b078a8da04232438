-- Where does the temperature rise as steeply as only a fire makes it? One row per device and slice during the rise.
CREATE TEMPORARY VIEW temperature_rise_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'temperature_rises' AS cause,
  'TEMPERATURE_RISE' AS alert_type,
  'HIGH' AS level,
  ${HIGH} AS risk_score,
  slice_end AS event_time,
  highest AS max_temperature,
  ROUND(highest - lowest_60s, ${DECIMALS}) AS temperature_rise,
  worst_reading,
  profile_version,
  held_until
FROM temperature_minutes
WHERE ROUND(highest - lowest_60s, ${DECIMALS}) >= ${RISE_C}
