-- Which five minutes can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- The limits are those of readings_checked.
CREATE TEMPORARY VIEW device_5min_aggregates_checked AS
SELECT
  device_id, window_end, schema_version, site_id, window_start, avg_temperature, max_temperature, min_temperature,
  temp_stddev, avg_risk_score, max_risk_score, total_arcs, avg_current, max_current, record_count,
  topic, source,
  CASE
    WHEN REGEXP(DECODE(ENCODE(device_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
      THEN 'device_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(site_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      THEN 'site_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(window_end, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(window_end, 10) AS DATE) IS NULL
      THEN 'window_end must be a time like 2025-10-09T09:00:00.959Z'
    WHEN REGEXP(window_start, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(window_start, 10) AS DATE) IS NULL
      THEN 'window_start must be a time like 2025-10-09T09:00:00.959Z'
    WHEN schema_version IS NULL OR record_count IS NULL THEN 'schema_version and record_count must be numbers'
  END AS fault
FROM device_5min_aggregates_in
