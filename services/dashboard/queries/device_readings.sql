-- What did a device send last? One row per reading with all its fields, newest first.
SELECT device_id, event_time, idx, schema_version, site_id, zone, profile, profile_version, status_bits, verify_status,
       voltage, voltage_low, current, leakage_current, resistive_leakage, power, power_factor, pcb_temperature,
       sensor_temperature, max_temperature, co_gas, voc, arc_count, total_alarm_count, communication_error, temperature_score,
       electrical_score, gas_score, indicator_risk, rule_risk, status_risk, pattern_risk, base_risk, floor_risk, risk_score,
       risk_level, confidence, alert_type, is_valid, invalid_fields, warnings, is_late, stored_at
FROM readings WHERE device_id = %(device)s AND event_time > %(since)s
ORDER BY event_time DESC, idx DESC LIMIT %(limit)s
