-- Which readings can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- Postgres refuses a whole batch for one text with a NUL, one impossible time or one key that is too long for an index
-- (2.7 kB), again and again. So whatever it could refuse is left out here, counted in store_refusals, and never stops
-- the job. A name is bounded in bytes: it is looked at in ISO-8859-1, where each of its bytes in UTF-8 is a character.
-- A measurement of a wrong type was read as null; a list or a name that is none becomes null. JSON_QUERY writes a list
-- as every parser takes it, for that of Flink takes more than that of Postgres.
CREATE TEMPORARY VIEW readings_checked AS
SELECT
  device_id, event_time, idx, schema_version, site_id, status_bits, verify_status, voltage, voltage_low, `current`,
  leakage_current, resistive_leakage, `power`, power_factor, pcb_temperature, sensor_temperature, co_gas, voc,
  arc_count, max_temperature, total_alarm_count, communication_error, temperature_score, electrical_score, gas_score,
  indicator_risk, rule_risk, status_risk, pattern_risk, base_risk, floor_risk, risk_score, risk_level, confidence,
  alert_type, is_valid, is_late,
  REGEXP_EXTRACT(JSON_QUERY(invalid_fields, '$'), '${LIST}') AS invalid_fields,
  REGEXP_EXTRACT(JSON_QUERY(warnings, '$'), '${LIST}') AS warnings,
  CASE WHEN REGEXP(DECODE(ENCODE(zone, 'UTF-8'), 'ISO-8859-1'), '${NAME}') THEN zone END AS zone,
  CASE WHEN REGEXP(DECODE(ENCODE(profile, 'UTF-8'), 'ISO-8859-1'), '${NAME}') THEN profile END AS profile,
  CASE WHEN REGEXP(DECODE(ENCODE(profile_version, 'UTF-8'), 'ISO-8859-1'), '${NAME}') THEN profile_version END AS profile_version,
  topic, source,
  CASE
    WHEN REGEXP(DECODE(ENCODE(device_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'device_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(site_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      THEN 'site_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(event_time, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(event_time, 10) AS DATE) IS NULL
      THEN 'event_time must be a time like 2025-10-09T09:00:00.959Z'
    WHEN idx IS NULL OR schema_version IS NULL OR (ABS(risk_score) <= ${LARGEST_DOUBLE}) IS NOT TRUE
      THEN 'idx, schema_version and risk_score must be numbers'
    WHEN REGEXP(risk_level, '${WORD}') IS NOT TRUE THEN 'risk_level must be a word in capital letters'
    WHEN REGEXP(alert_type, '${WORD}') IS FALSE THEN 'alert_type must be a word in capital letters'
  END AS fault
FROM readings_in
