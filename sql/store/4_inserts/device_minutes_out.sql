-- Every usable minute.
INSERT INTO device_minutes_out (
  device_id, minute_end, schema_version, site_id, minute_start, record_count, temperature_count, temperature_sum,
  temperature_sum_squares, avg_temperature, max_temperature, min_temperature, total_arcs, arc_events, max_arc_count,
  current_count, current_sum, avg_current, max_current, avg_co_gas, max_co_gas, avg_voc, max_voc, risk_sum,
  max_risk_score, max_base_risk, max_floor_risk, avg_indicator_risk, alarm_count, communication_errors,
  candidate_count, co_count, co_sum, temperature_slope, arcs_60min, risk_modifier, risk_score, risk_level, profile_version
)
SELECT
  device_id, minute_end, schema_version, site_id, minute_start, record_count, temperature_count, temperature_sum,
  temperature_sum_squares, avg_temperature, max_temperature, min_temperature, total_arcs, arc_events, max_arc_count,
  current_count, current_sum, avg_current, max_current, avg_co_gas, max_co_gas, avg_voc, max_voc, risk_sum,
  max_risk_score, max_base_risk, max_floor_risk, avg_indicator_risk, alarm_count, communication_errors,
  candidate_count, co_count, co_sum, temperature_slope, arcs_60min, risk_modifier, risk_score, risk_level, profile_version
FROM device_minutes_usable
