-- How was each minute? One row per device and minute with readings; the spine of every slower result.
-- Tumbling event-time window over the readings that are not late. Sums stay beside means, so that longer windows add minutes.
CREATE TEMPORARY VIEW minute_spine AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  window_start AS minute_start,
  window_end AS minute_end,
  window_time AS minute_time,
  COUNT(*) AS record_count,
  COUNT(max_temperature) AS temperature_count,
  SUM(max_temperature) AS temperature_sum,
  SUM(max_temperature * max_temperature) AS temperature_sum_squares,
  MAX(max_temperature) AS max_temperature,
  MIN(max_temperature) AS min_temperature,
  SUM(arc_count) AS total_arcs,
  COUNT(CASE WHEN arc_count > 0 THEN 1 END) AS arc_events,
  MAX(arc_count) AS max_arc_count,
  COUNT(`current`) AS current_count,
  SUM(`current`) AS current_sum,
  MAX(`current`) AS max_current,
  AVG(co_gas) AS avg_co_gas,
  MAX(co_gas) AS max_co_gas,
  AVG(voc) AS avg_voc,
  MAX(voc) AS max_voc,
  SUM(risk_score) AS risk_sum,
  MAX(risk_score) AS max_risk_score,
  MAX(base_risk) AS max_base_risk,
  MAX(floor_risk) AS max_floor_risk,
  AVG(indicator_risk) AS avg_indicator_risk,
  SUM(CAST(total_alarm_count AS BIGINT)) AS alarm_count,
  COUNT(CASE WHEN communication_error THEN 1 END) AS communication_errors,
  COUNT(CASE WHEN risk_level IN ('HIGH', 'CRITICAL') THEN 1 END) AS candidate_count
FROM TABLE(TUMBLE(TABLE on_time_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY device_id, window_start, window_end, window_time
