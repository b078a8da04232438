-- Which minutes are HIGH or CRITICAL in the context of their hour, though none of their readings was? One row per device and
-- minute.
CREATE TEMPORARY VIEW context_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'device_minutes' AS cause,
  'CONTEXT_RISK' AS alert_type,
  risk_level AS level,
  risk_score,
  minute_end AS event_time,
  max_base_risk AS base_risk,
  max_floor_risk AS floor_risk,
  risk_modifier,
  worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE is_risky_in_context
