-- Which minutes were hotter than the device's last hour explains? One row per device and minute.
-- Selects the minutes that minute_findings marks: their highest temperature is compared with the mean and sample standard
-- deviation of all readings in the hour that ends with the minute.
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
