INSERT INTO risk_spikes_out (
  schema_version,
  device_id,
  site_id,
  minute_end,
  risk_score,
  previous_risk_score,
  risk_change
)
SELECT
  schema_version,
  device_id,
  site_id,
  minute_end,
  risk_score,
  previous_risk_score,
  risk_change
FROM risk_spikes
