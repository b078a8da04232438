-- Every usable reading.
INSERT INTO readings_out (
  device_id, event_time, idx, schema_version, site_id, status_bits, verify_status, voltage, voltage_low, `current`,
  leakage_current, resistive_leakage, `power`, power_factor, pcb_temperature, sensor_temperature, co_gas, voc,
  arc_count, max_temperature, total_alarm_count, communication_error, temperature_score, electrical_score, gas_score,
  indicator_risk, rule_risk, status_risk, pattern_risk, base_risk, floor_risk, risk_score, risk_level, confidence,
  alert_type, is_valid, invalid_fields, warnings, is_late, zone, profile, profile_version
)
SELECT
  device_id, event_time, idx, schema_version, site_id, status_bits, verify_status, voltage, voltage_low, `current`,
  leakage_current, resistive_leakage, `power`, power_factor, pcb_temperature, sensor_temperature, co_gas, voc,
  arc_count, max_temperature, total_alarm_count, communication_error, temperature_score, electrical_score, gas_score,
  indicator_risk, rule_risk, status_risk, pattern_risk, base_risk, floor_risk, risk_score, risk_level, confidence,
  alert_type, is_valid, invalid_fields, warnings, is_late, zone, profile, profile_version
FROM readings_usable
