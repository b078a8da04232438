-- What did each device measure minute by minute in the last hour? One row per device and 5 minutes, if the hour has at least
-- ${PATTERN_LEAST_MINUTES} minutes with readings.
-- Hopping window over the minutes. Lists are not ordered by time, so the numbers of the minutes are passed too.
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
FROM TABLE(HOP(TABLE minute_scored, DESCRIPTOR(minute_time), INTERVAL '5' MINUTE, INTERVAL '${CONTEXT_MINUTES}' MINUTE))
GROUP BY device_id, window_start, window_end
HAVING COUNT(*) >= ${PATTERN_LEAST_MINUTES}
