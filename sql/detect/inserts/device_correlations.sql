INSERT INTO device_correlations_out (
  schema_version,
  site_id,
  window_start,
  window_end,
  device1,
  device2,
  temp_diff,
  risk_diff,
  avg_risk,
  correlation_type
)
SELECT
  schema_version,
  site_id,
  window_start,
  window_end,
  device1,
  device2,
  temp_diff,
  risk_diff,
  avg_risk,
  correlation_type
FROM device_correlations
