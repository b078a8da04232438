-- What does each device's hour hold? One row per device and 5 minutes with the lists of its minutes, at least ten of them.
-- Hopping window over the minutes; a list's order is not the time's, so the minutes' numbers come along.
CREATE TEMPORARY VIEW pattern_windows AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  window_start,
  window_end,
  COUNT(*) AS minutes,
  device_patterns_of(
    ARRAY_AGG(minute_number),
    ARRAY_AGG(temperature_sum / temperature_count),
    ARRAY_AGG(risk_score),
    ARRAY_AGG(CAST(total_arcs AS DOUBLE)),
    ARRAY_AGG(avg_voltage),
    ARRAY_AGG(current_sum / current_count),
    ARRAY_AGG(co_sum / co_count),
    ARRAY_AGG(avg_voc),
    ARRAY_AGG(avg_power_factor)) AS p
FROM TABLE(HOP(TABLE minute_scored, DESCRIPTOR(minute_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE))
GROUP BY device_id, window_start, window_end
HAVING COUNT(*) >= ${PATTERN_LEAST_MINUTES}
