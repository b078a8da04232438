-- Which readings can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- Postgres refuses a whole batch for one text with a NUL, one impossible time or one key that is too long for an index
-- (2.7 kB), again and again. So whatever it could refuse is left out here, counted in store_refusals, and never stops
-- the job. A measurement of a wrong type was read as null; a list or a name that is
-- none becomes null.
CREATE TEMPORARY VIEW readings_checked AS
SELECT
  device_id, event_time, idx, schema_version, site_id, status_bits, verify_status, voltage, voltage_low, `current`,
  leakage_current, resistive_leakage, `power`, power_factor, pcb_temperature, sensor_temperature, co_gas, voc,
  arc_count, max_temperature, total_alarm_count, communication_error, temperature_score, electrical_score, gas_score,
  indicator_risk, rule_risk, status_risk, pattern_risk, base_risk, floor_risk, risk_score, risk_level, confidence,
  alert_type, is_valid, is_late,
  CASE WHEN invalid_fields IS JSON ARRAY AND invalid_fields NOT LIKE '%\u0000%'
    THEN invalid_fields END AS invalid_fields,
  CASE WHEN warnings IS JSON ARRAY AND warnings NOT LIKE '%\u0000%'
    THEN warnings END AS warnings,
  CASE WHEN REGEXP(zone, '${NAME}') THEN zone END AS zone,
  CASE WHEN REGEXP(profile, '${NAME}') THEN profile END AS profile,
  CASE WHEN REGEXP(profile_version, '${NAME}') THEN profile_version END AS profile_version,
  topic, source,
  CASE
    WHEN REGEXP(device_id, '${NAME}') IS NOT TRUE
      THEN 'device_id must be 1 to 256 characters, none of them control characters'
    WHEN REGEXP(site_id, '${NAME}') IS FALSE
      THEN 'site_id must be 1 to 256 characters, none of them control characters'
    WHEN REGEXP(event_time, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(event_time, 10) AS DATE) IS NULL
      THEN 'event_time must be a time like 2025-10-09T09:00:00.959Z'
    WHEN idx IS NULL OR schema_version IS NULL OR risk_score IS NULL
      THEN 'idx, schema_version and risk_score must be numbers'
    WHEN REGEXP(risk_level, '${WORD}') IS NOT TRUE THEN 'risk_level must be a word in capital letters'
    WHEN REGEXP(alert_type, '${WORD}') IS FALSE THEN 'alert_type must be a word in capital letters'
  END AS fault
FROM readings_in
