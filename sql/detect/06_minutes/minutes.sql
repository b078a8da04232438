-- What happened in each minute? One row per device and minute with readings; most window results are computed from these.
-- Tumbling window of event time over the readings that are not late. Sums and counts are kept so that longer windows can add
-- them. HAZARDS lists the kinds of hazards in the order of precedence; hazard_place is where the first one begins. MINUTE_MEANS and
-- MINUTE_EXTREMES stand for the statistics that measurements.toml asks for.
CREATE TEMPORARY VIEW minutes AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  MAX(worst_reading) AS worst_reading,
  MIN(sensor_fault) AS sensor_fault,
  COUNT(sensor_fault) AS fault_count,
  MAX(rated_current) AS rated_current,
  MIN(floor_risk) AS min_floor_risk,
  MIN(CASE WHEN floor_risk >= ${MEDIUM} THEN LOCATE(alert_type,
    '${HAZARDS}'
  ) END) AS hazard_place,
  window_start AS minute_start,
  window_end AS minute_end,
  window_time AS minute_time,
  MAX(CAST(event_time AS TIMESTAMP(3))) AS last_seen,
  COUNT(*) AS record_count,
  COUNT(max_temperature) AS temperature_count,
  SUM(max_temperature) AS temperature_sum,
  SUM(max_temperature * max_temperature) AS temperature_sum_squares,
  MAX(max_temperature) AS max_temperature,
  MIN(max_temperature) AS min_temperature,
  SUM(arc_count) AS total_arcs,
  COUNT(CASE WHEN arc_count > 0 THEN 1 END) AS arc_events,
  MAX(arc_count) AS max_arc_count,
  COUNT(`current`) AS current_count,
  SUM(`current`) AS current_sum,
  MAX(`current`) AS max_current,
  COUNT(co_gas) AS co_count,
  SUM(co_gas) AS co_sum,
  MAX(co_gas) AS max_co_gas,
  COUNT(leakage_current) AS leakage_count,
  SUM(leakage_current) AS leakage_sum,
  MAX(leakage_current) AS max_leakage,
  COUNT(resistive_leakage) AS resistive_leakage_count,
  SUM(resistive_leakage) AS resistive_leakage_sum,
  COUNT(pcb_temperature - sensor_temperature) AS imbalance_count,
  SUM(ABS(pcb_temperature - sensor_temperature)) AS imbalance_sum,
  ${MINUTE_MEANS}
  AVG(voltage) AS avg_voltage,
  AVG(power_factor) AS avg_power_factor,
  AVG(CASE WHEN `power` IS NOT NULL THEN voltage * `current` * power_factor END) AS calculated_watts,
  AVG(CASE WHEN voltage * `current` * power_factor IS NOT NULL THEN 1000 * `power` END) AS measured_watts,
  ${MINUTE_EXTREMES}
  SUM(risk_score) AS risk_sum,
  MAX(risk_score) AS max_risk_score,
  MAX(base_risk) AS max_base_risk,
  MAX(floor_risk) AS max_floor_risk,
  SUM(indicator_risk) AS indicator_sum,
  SUM(total_alarm_count) AS alarm_count,
  COUNT(CASE WHEN communication_error THEN 1 END) AS communication_errors,
  COUNT(CASE WHEN risk_level IN ('HIGH', 'CRITICAL') THEN 1 END) AS candidate_count,
  COUNT(CASE WHEN follows_late_risk THEN 1 END) AS late_risks,
  MIN(clock_offset) AS min_clock_offset,
  MAX(clock_offset) AS max_clock_offset
FROM TABLE(TUMBLE(TABLE on_time_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY device_id, window_start, window_end, window_time
