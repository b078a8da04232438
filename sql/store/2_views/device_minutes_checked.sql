-- Which minutes can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- The limits are those of readings_checked.
CREATE TEMPORARY VIEW device_minutes_checked AS
SELECT
  device_id, minute_end, schema_version, site_id, minute_start, record_count, temperature_count, temperature_sum,
  temperature_sum_squares, avg_temperature, max_temperature, min_temperature, total_arcs, arc_events, max_arc_count,
  current_count, current_sum, avg_current, max_current, avg_co_gas, max_co_gas, avg_voc, max_voc, risk_sum,
  max_risk_score, max_base_risk, max_floor_risk, avg_indicator_risk, alarm_count, communication_errors,
  candidate_count, co_count, co_sum, temperature_slope, arcs_60min, risk_modifier, risk_score, risk_level,
  CASE WHEN REGEXP(DECODE(ENCODE(profile_version, 'UTF-8'), 'ISO-8859-1'), '${NAME}') THEN profile_version END AS profile_version,
  topic, source,
  CASE
    WHEN REGEXP(DECODE(ENCODE(device_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'device_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(site_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      THEN 'site_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(minute_end, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(minute_end, 10) AS DATE) IS NULL
      THEN 'minute_end must be a time like 2025-10-09T09:00:00.959Z'
    WHEN REGEXP(minute_start, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(minute_start, 10) AS DATE) IS NULL
      THEN 'minute_start must be a time like 2025-10-09T09:00:00.959Z'
    WHEN schema_version IS NULL OR record_count IS NULL THEN 'schema_version and record_count must be numbers'
    WHEN REGEXP(risk_level, '${WORD}') IS FALSE THEN 'risk_level must be a word in capital letters'
  END AS fault
FROM device_minutes_in
