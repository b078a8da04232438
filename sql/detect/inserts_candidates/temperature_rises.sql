-- Temperatures that rise as only fire makes them rise.
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
  max_temperature,
  temperature_rise,
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
  'temperature_rises' AS cause,
  'TEMPERATURE_RISE' AS alert_type,
  'HIGH' AS level,
  ${HIGH} AS risk_score,
  DATE_FORMAT(slice_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  highest AS max_temperature,
  ROUND(highest - lowest_60s, 6) AS temperature_rise,
  profile_version,
  COALESCE(DATE_FORMAT(slice_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM temperature_minutes
WHERE ROUND(highest - lowest_60s, 6) >= ${RISE_C}
