-- Whose risk jumped from one minute to the next? One row per device and minute; minutes far apart are not compared.
CREATE TEMPORARY VIEW risk_spikes AS
SELECT
  1 AS schema_version,
  device_id,
  site_id,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS minute_end,
  risk_score,
  previous_risk_score,
  risk_change
FROM minute_findings
WHERE is_spike
