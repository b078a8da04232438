-- Which minutes were hotter than their device's hour explains? One row per device and minute.
-- The minute's highest temperature against mean and sample standard deviation of all readings of the hour that ends with it.
CREATE TEMPORARY VIEW temperature_anomalies AS
SELECT
  device_id,
  site_id,
  minute_end,
  max_temperature AS temperature,
  avg_temperature_60min AS mean,
  temp_stddev_60min AS stddev,
  risk_score,
  'TEMPERATURE_SPIKE' AS anomaly_type
FROM minute_findings
WHERE is_anomaly
