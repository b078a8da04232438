-- What happened in each minute? One row per device and minute with readings; most window results are computed from these.
-- Tumbling window over the slices; it adds their sums and counts, and keeps them for longer windows. COMBINED_STATISTICS stands for
-- the statistics that measurements.toml asks for.
CREATE TEMPORARY VIEW minutes AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  window_start AS minute_start,
  window_end AS minute_end,
  window_time AS minute_time,
  MAX(last_seen) AS last_seen,
  SUM(record_count) AS record_count,
  SUM(temperature_count) AS temperature_count,
  SUM(temperature_sum) AS temperature_sum,
  SUM(temperature_sum_squares) AS temperature_sum_squares,
  MAX(max_temperature) AS max_temperature,
  MIN(min_temperature) AS min_temperature,
  SUM(total_arcs) AS total_arcs,
  SUM(arc_events) AS arc_events,
  MAX(max_arc_count) AS max_arc_count,
  SUM(current_count) AS current_count,
  SUM(current_sum) AS current_sum,
  MAX(max_current) AS max_current,
  SUM(co_count) AS co_count,
  SUM(co_sum) AS co_sum,
  MAX(max_co_gas) AS max_co_gas,
  SUM(voltage_sum) / SUM(voltage_count) AS avg_voltage,
  SUM(power_factor_sum) / SUM(power_factor_count) AS avg_power_factor,
  ${COMBINED_STATISTICS}
  SUM(risk_sum) AS risk_sum,
  MAX(max_risk_score) AS max_risk_score,
  MAX(max_base_risk) AS max_base_risk,
  MAX(max_floor_risk) AS max_floor_risk,
  SUM(indicator_sum) AS indicator_sum,
  SUM(alarm_count) AS alarm_count,
  SUM(communication_errors) AS communication_errors,
  SUM(candidate_count) AS candidate_count
FROM TABLE(TUMBLE(TABLE slices, DESCRIPTOR(slice_time), INTERVAL '1' MINUTE))
GROUP BY device_id, window_start, window_end, window_time
