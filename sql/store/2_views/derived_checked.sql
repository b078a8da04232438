-- Which windows' results can be stored? One row per message that is JSON; fault says why a row can not, null means it can.
-- The limits are those of readings_checked. What makes a row's key depends on its result: a site's or a device's, a
-- minute's or a window's. The words are looked at together, because a row is refused for any of them.
CREATE TEMPORARY VIEW derived_checked AS
SELECT
  device_id, site_id, device1, device2, schema_version, window_start, window_end, minute_end, max_temperature,
  min_temperature, temperature_rise, temperature, mean, stddev, risk_score, anomaly_type, avg_co_10min, minutes_10min,
  avg_co_60min, minutes_60min, previous_risk_score, risk_change, total_arcs_10min, arc_events, max_single_arc,
  avg_arc_per_event, arc_pattern, temp_diff, risk_diff, avg_risk, correlation_type, devices, devices_high, mean_risk,
  max_risk, site_risk, risk_level, minutes, temperature_slope, temperature_change, risk_slope, periodicity_minutes,
  risk_volatility, is_rapid_risk_change, is_sustained_high_risk, trend, confidence,
  REGEXP_EXTRACT(JSON_QUERY(sensor_anomalies, '$'), '${LIST}') AS sensor_anomalies,
  kind, topic, source,
  CASE
    WHEN REGEXP(DECODE(ENCODE(device_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      OR (device_id IS NULL AND kind NOT IN ('site_risk', 'device_correlations'))
      THEN 'device_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN REGEXP(DECODE(ENCODE(site_id, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS FALSE
      OR (site_id IS NULL AND kind IN ('site_risk', 'device_correlations'))
      THEN 'site_id must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN kind = 'device_correlations'
      AND (REGEXP(DECODE(ENCODE(device1, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE
        OR REGEXP(DECODE(ENCODE(device2, 'UTF-8'), 'ISO-8859-1'), '${NAME}') IS NOT TRUE)
      THEN 'device1 and device2 must be 1 to ${LONGEST_BYTES} bytes in UTF-8 without control characters'
    WHEN kind IN ('temperature_anomalies', 'co_exposure', 'risk_spikes')
      AND (REGEXP(minute_end, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(minute_end, 10) AS DATE) IS NULL)
      THEN 'minute_end must be a time like 2025-10-09T09:00:00.959Z'
    WHEN kind NOT IN ('temperature_anomalies', 'co_exposure', 'risk_spikes')
      AND (REGEXP(window_end, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(window_end, 10) AS DATE) IS NULL)
      THEN 'window_end must be a time like 2025-10-09T09:00:00.959Z'
    WHEN kind NOT IN ('temperature_anomalies', 'co_exposure', 'risk_spikes')
      AND (REGEXP(window_start, '${TIME}') IS NOT TRUE OR TRY_CAST(LEFT(window_start, 10) AS DATE) IS NULL)
      THEN 'window_start must be a time like 2025-10-09T09:00:00.959Z'
    WHEN schema_version IS NULL THEN 'schema_version must be a number'
    WHEN NOT REGEXP(CONCAT_WS('', anomaly_type, arc_pattern, correlation_type, risk_level, trend), '${WORDS}')
      THEN 'types, patterns, levels and trends must be words in capital letters'
  END AS fault
FROM derived_in
