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
  SUM(total_arcs) AS total_arcs,
  MAX(max_arc_count) AS max_arc_count,
  MAX(max_temperature) AS max_temperature,
  MIN(min_temperature) AS min_temperature,
  MAX(risk_score) AS max_risk_score,
  MIN(risk_score) AS min_risk_score,
  AVG(risk_score) AS avg_risk_score,
  device_patterns_of(
    ARRAY_AGG(minute_number),
    ARRAY_AGG(temperature_sum / temperature_count),
    ARRAY_AGG(risk_score),
    ARRAY_AGG(CAST(total_arcs AS DOUBLE)),
    ARRAY_AGG(avg_voltage),
    ARRAY_AGG(current_sum / current_count),
    ARRAY_AGG(co_sum / co_count),
    ARRAY_AGG(avg_voc),
    ARRAY_AGG(avg_power_factor),
    ARRAY_AGG(leakage_sum / leakage_count),
    ARRAY_AGG(resistive_leakage_sum / resistive_leakage_count),
    ARRAY_AGG(calculated_watts),
    ARRAY_AGG(measured_watts)) AS p
FROM TABLE(HOP(TABLE minute_scored, DESCRIPTOR(minute_time), INTERVAL '5' MINUTE, INTERVAL '${CONTEXT_MINUTES}' MINUTE))
GROUP BY device_id, window_start, window_end
HAVING COUNT(*) >= ${PATTERN_LEAST_MINUTES}
