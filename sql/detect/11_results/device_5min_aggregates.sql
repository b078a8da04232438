-- What happened in each five minutes? One row per device and 5 minutes with readings.
-- Tumbling window over the minutes instead of the readings: their sums suffice for the mean and sample standard deviation.
CREATE TEMPORARY VIEW device_5min_aggregates AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  window_start,
  window_end,
  SUM(temperature_sum) / SUM(temperature_count) AS avg_temperature,
  MAX(max_temperature) AS max_temperature,
  MIN(min_temperature) AS min_temperature,
  SQRT(GREATEST(SUM(temperature_sum_squares) - SUM(temperature_sum) * SUM(temperature_sum) / SUM(temperature_count), 0e0)
    / NULLIF(SUM(temperature_count) - 1, 0)) AS temp_stddev,
  SUM(risk_sum) / SUM(record_count) AS avg_risk_score,
  MAX(max_risk_score) AS max_risk_score,
  SUM(total_arcs) AS total_arcs,
  SUM(current_sum) / SUM(current_count) AS avg_current,
  MAX(max_current) AS max_current,
  SUM(record_count) AS record_count
FROM TABLE(TUMBLE(TABLE minutes, DESCRIPTOR(minute_time), INTERVAL '5' MINUTE))
GROUP BY device_id, window_start, window_end
