-- In which minutes did a device report a communication error? One row per device and minute.
CREATE TEMPORARY VIEW communication_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'device_minutes' AS cause,
  'COMMUNICATION_ERROR' AS alert_type,
  'MEDIUM' AS level,
  risk_score,
  minute_end AS event_time,
  worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE communication_errors > 0
