-- The rows of device_5min_aggregates_checked without a fault.
CREATE TEMPORARY VIEW device_5min_aggregates_usable AS
SELECT
  device_id, window_end, schema_version, site_id, window_start, avg_temperature, max_temperature, min_temperature,
  temp_stddev, avg_risk_score, max_risk_score, total_arcs, avg_current, max_current, record_count
FROM device_5min_aggregates_checked
WHERE fault IS NULL
