-- Which scores does each minute have in the context of its hour? One row per device and minute with readings.
-- Unpacks the row that minute_context returned, and completes the mean and sample standard deviation of the hour.
CREATE TEMPORARY VIEW minute_scored AS
SELECT
  device_id, site_id, profile_version, held_until, worst_reading, sensor_fault, fault_count, min_floor_risk,
  hazard_place, minute_start, minute_end, minute_time, minute_number, last_seen, record_count, temperature_count,
  temperature_sum, temperature_sum_squares, max_temperature, min_temperature, total_arcs, arc_events, max_arc_count,
  current_count, current_sum, max_current, co_count, co_sum, max_co_gas, leakage_count, leakage_sum, max_leakage,
  resistive_leakage_count, resistive_leakage_sum, imbalance_count, imbalance_sum, ${MINUTE_STATISTICS} avg_voltage,
  avg_power_factor, calculated_watts, measured_watts, risk_sum, max_risk_score, max_base_risk, max_floor_risk,
  indicator_sum, alarm_count, communication_errors, candidate_count, late_risks, min_clock_offset, max_clock_offset, arcs_60min,
  avg_co_60min, minutes_60min, avg_current_60min, current_minutes_60min,
  COALESCE(rated_current, ${CURRENT_HIGH_A}) AS rated_current,
  CARDINALITY(hour_minutes) AS context_minutes,
  record_count_60min,
  mean_indicator_60min AS avg_indicator_60min,
  temperature_sum_60min / temperature_count_60min AS avg_temperature_60min,
  SQRT(GREATEST(temperature_sum_squares_60min
      - temperature_sum_60min * temperature_sum_60min / temperature_count_60min, 0e0)
    / NULLIF(temperature_count_60min - 1, 0)) AS temp_stddev_60min,
  c.temperature_slope AS temperature_slope,
  c.risk_modifier AS risk_modifier,
  c.risk_score AS risk_score,
  c.risk_level AS risk_level
FROM minute_risk
