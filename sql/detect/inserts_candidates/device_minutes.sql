-- Minutes that are HIGH or more in the light of their hour, and whose readings alone were not.
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
  base_risk,
  floor_risk,
  max_temperature,
  risk_modifier,
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
  'device_minutes' AS cause,
  'CONTEXT_RISK' AS alert_type,
  risk_level AS level,
  risk_score,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  max_base_risk AS base_risk,
  max_floor_risk AS floor_risk,
  max_temperature,
  risk_modifier,
  profile_version,
  COALESCE(DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM minute_findings
WHERE is_risky_in_context
