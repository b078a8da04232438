INSERT INTO site_risk_out (
  schema_version,
  site_id,
  window_start,
  window_end,
  devices,
  devices_high,
  mean_risk,
  max_risk,
  site_risk,
  risk_level
)
SELECT
  schema_version,
  site_id,
  window_start,
  window_end,
  devices,
  devices_high,
  mean_risk,
  max_risk,
  site_risk,
  risk_level
FROM site_risk
