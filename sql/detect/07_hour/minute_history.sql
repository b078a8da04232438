-- What happened in the hour that ends with each minute? One row per device and minute with readings, with the sums and lists of
-- the hour's minutes. One OVER window of event time, because all aggregates of a query must share a frame.
CREATE TEMPORARY VIEW minute_history AS
SELECT
  *,
  ARRAY_AGG(minute_number) OVER hour_before AS hour_minutes,
  ARRAY_AGG(temperature_sum / temperature_count) OVER hour_before AS hour_temperatures,
  SUM(COALESCE(total_arcs, 0)) OVER hour_before AS arcs_60min,
  SUM(record_count) OVER hour_before AS record_count_60min,
  SUM(indicator_sum) OVER hour_before / SUM(record_count) OVER hour_before AS mean_indicator_60min,
  SUM(temperature_count) OVER hour_before AS temperature_count_60min,
  SUM(temperature_sum) OVER hour_before AS temperature_sum_60min,
  SUM(temperature_sum_squares) OVER hour_before AS temperature_sum_squares_60min,
  SUM(co_sum) OVER hour_before / SUM(co_count) OVER hour_before AS avg_co_60min,
  COUNT(co_sum) OVER hour_before AS minutes_60min,
  SUM(current_sum) OVER hour_before / SUM(current_count) OVER hour_before AS avg_current_60min,
  COUNT(current_sum) OVER hour_before AS current_minutes_60min
FROM (
  SELECT *, CAST(TIMESTAMPDIFF(MINUTE, TIMESTAMP '1970-01-01 00:00:00', minute_end) AS BIGINT) AS minute_number
  FROM minutes
)
WINDOW hour_before AS (
  PARTITION BY device_id ORDER BY minute_time RANGE BETWEEN INTERVAL '${CONTEXT_MINUTES_BEFORE}' MINUTE PRECEDING AND CURRENT ROW)
