-- Every usable pair of neighbours.
INSERT INTO device_correlations_out (
  site_id, window_end, device1, device2, schema_version, window_start, temp_diff, risk_diff, avg_risk,
  correlation_type
)
SELECT
  site_id, window_end, device1, device2, schema_version, window_start, temp_diff, risk_diff, avg_risk,
  correlation_type
FROM derived_checked
WHERE kind = 'device_correlations' AND fault IS NULL
