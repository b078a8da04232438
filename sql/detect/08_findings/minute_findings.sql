-- What is remarkable about each minute? One row per device and minute with readings; a missing measurement makes a finding FALSE.
-- The only definition of these conditions: results, candidates and watched_minutes all read them.
CREATE TEMPORARY VIEW minute_findings AS
SELECT
  *,
  ROUND(risk_score - previous_risk_score, ${DECIMALS}) AS risk_change,
  COALESCE(max_temperature > avg_temperature_60min + ${ANOMALY_SIGMAS} * temp_stddev_60min
    AND max_temperature > ${ANOMALY_C}, FALSE) AS is_anomaly,
  COALESCE((avg_co_10min >= ${CO_10MIN_PPM} AND minutes_10min >= ${CO_10MIN_MINUTES})
    OR (avg_co_60min >= ${CO_60MIN_PPM} AND minutes_60min >= ${CO_60MIN_MINUTES}), FALSE) AS is_exposed,
  COALESCE(ROUND(risk_score - previous_risk_score, ${DECIMALS}) > ${SPIKE}, FALSE) AS is_spike,
  COALESCE(arcs_10min > ${FREQUENT_ARCS}, FALSE) AS is_arcing,
  COALESCE(ROUND(max_temperature - LEAST(min_temperature, COALESCE(previous_low, min_temperature)), ${DECIMALS})
    >= ${RISE_C}, FALSE) AS is_rising,
  COALESCE(min_clock_offset > ${CLOCK_WRONG_S} OR max_clock_offset < -${CLOCK_WRONG_S}, FALSE) AS is_clock_wrong,
  risk_score >= ${HIGH} AND max_risk_score < ${HIGH} AS is_risky_in_context
FROM (
  SELECT
    *,
    SUM(co_sum) OVER ten_before / SUM(co_count) OVER ten_before AS avg_co_10min,
    COUNT(co_sum) OVER ten_before AS minutes_10min,
    SUM(total_arcs) OVER ten_before AS arcs_10min
  FROM minute_changes
  WINDOW ten_before AS (
    PARTITION BY device_id ORDER BY minute_time
    RANGE BETWEEN INTERVAL '${RECENT_MINUTES_BEFORE}' MINUTE PRECEDING AND CURRENT ROW)
)
