-- Which devices' risk rose suddenly from one minute to the next? One row per device and minute.
-- Selects the minutes that minute_findings marks; minutes more than ${SPIKE_GAP_MINUTES} minutes apart are not compared.
CREATE TEMPORARY VIEW risk_spikes AS
SELECT
  device_id,
  site_id,
  minute_end,
  risk_score,
  previous_risk_score,
  risk_change
FROM minute_findings
WHERE is_spike
