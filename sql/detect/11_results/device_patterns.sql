-- Which patterns does each device's hour have? One row per device and 5 minutes, if the hour has at least
-- ${PATTERN_LEAST_MINUTES} minutes with readings. Unpacks the row that device_patterns_of returned.
CREATE TEMPORARY VIEW device_patterns AS
SELECT
  device_id,
  site_id,
  window_start,
  window_end,
  minutes,
  p.temperature_slope AS temperature_slope,
  p.temperature_change AS temperature_change,
  p.risk_slope AS risk_slope,
  p.arc_pattern AS arc_pattern,
  p.periodicity_minutes AS periodicity_minutes,
  p.risk_volatility AS risk_volatility,
  p.is_rapid_risk_change AS is_rapid_risk_change,
  p.is_sustained_high_risk AS is_sustained_high_risk,
  p.sensor_anomalies AS sensor_anomalies,
  p.trend AS trend,
  p.confidence AS confidence
FROM pattern_windows
