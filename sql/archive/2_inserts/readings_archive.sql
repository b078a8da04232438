-- A reading without a usable time cannot be of our detect job, and the store counts it among its refusals.
INSERT INTO readings_archive
SELECT
  device_id, TRY_CAST(REPLACE(REPLACE(event_time, 'T', ' '), 'Z', '') AS TIMESTAMP(3)), idx, schema_version, site_id,
  status_bits, verify_status, voltage, voltage_low, `current`, leakage_current, resistive_leakage, `power`,
  power_factor, pcb_temperature, sensor_temperature, co_gas, voc, arc_count, max_temperature, total_alarm_count,
  communication_error, temperature_score, electrical_score, gas_score, indicator_risk, rule_risk, status_risk,
  pattern_risk, base_risk, floor_risk, risk_score, risk_level, confidence, alert_type, is_valid, invalid_fields,
  warnings, is_late, zone, profile, profile_version, source,
  SUBSTRING(event_time FROM 1 FOR 4) AS `year`,
  SUBSTRING(event_time FROM 6 FOR 2) AS `month`,
  SUBSTRING(event_time FROM 9 FOR 2) AS `day`,
  SUBSTRING(event_time FROM 12 FOR 2) AS `hour`
FROM readings_in
WHERE REGEXP(event_time, '${TIME}')
