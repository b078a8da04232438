-- Which risk spikes are large enough for an alert? One row per device and minute.
CREATE TEMPORARY VIEW risk_spike_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'risk_spikes' AS cause,
  'RISK_SPIKE' AS alert_type,
  'CRITICAL' AS level,
  risk_score,
  minute_end AS event_time,
  risk_change,
  previous_risk_score,
  worst_reading,
  profile_version,
  held_until
FROM minute_findings
WHERE is_spike AND risk_change > ${SPIKE_CRITICAL}
