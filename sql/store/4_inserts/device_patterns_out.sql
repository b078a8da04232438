-- Every usable hour's patterns.
INSERT INTO device_patterns_out (
  device_id, window_end, schema_version, site_id, window_start, minutes, temperature_slope, temperature_change,
  risk_slope, arc_pattern, periodicity_minutes, risk_volatility, is_rapid_risk_change, is_sustained_high_risk,
  sensor_anomalies, trend, confidence
)
SELECT
  device_id, window_end, schema_version, site_id, window_start, minutes, temperature_slope, temperature_change,
  risk_slope, arc_pattern, periodicity_minutes, risk_volatility, is_rapid_risk_change, is_sustained_high_risk,
  sensor_anomalies, trend, confidence
FROM derived_checked
WHERE kind = 'device_patterns' AND fault IS NULL
