-- Which scores does each minute have in the context of its hour? One row per device and minute with readings.
-- Unpacks the row that minute_context returned, and completes the mean and sample standard deviation of the hour.
CREATE TEMPORARY VIEW minute_scored AS
SELECT
  device_id, site_id, profile_version, held_until, minute_start, minute_end, minute_time, minute_number, last_seen, record_count,
  temperature_count, temperature_sum, temperature_sum_squares, max_temperature, min_temperature,
  total_arcs, arc_events, max_arc_count, current_count, current_sum, max_current, co_count, co_sum, max_co_gas,
  ${MINUTE_STATISTICS} avg_voltage, avg_power_factor, risk_sum, max_risk_score, max_base_risk, max_floor_risk, indicator_sum,
  alarm_count, communication_errors, candidate_count, min_clock_offset, max_clock_offset, arcs_60min, avg_co_60min, minutes_60min,
  temperature_sum_60min / temperature_count_60min AS avg_temperature_60min,
  SQRT(GREATEST(temperature_sum_squares_60min
      - temperature_sum_60min * temperature_sum_60min / temperature_count_60min, 0e0)
    / NULLIF(temperature_count_60min - 1, 0)) AS temp_stddev_60min,
  c.temperature_slope AS temperature_slope,
  c.risk_modifier AS risk_modifier,
  c.risk_score AS risk_score,
  c.risk_level AS risk_level
FROM minute_risk
