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
    >= ${EARLY_C}, FALSE) AS is_rising,
  risk_score >= ${HIGH} AND max_risk_score < ${HIGH} AS is_risky_in_context,
  COALESCE(min_clock_offset > ${CLOCK_WRONG_S} OR max_clock_offset < -${CLOCK_WRONG_S}, FALSE) AS is_clock_wrong,
  fault_count = record_count AS is_faulty,
  CASE WHEN min_floor_risk >= ${MEDIUM} AND max_floor_risk < ${HIGH}
    THEN SPLIT_INDEX(SUBSTRING(
      '${HAZARDS}'
      FROM hazard_place), ',', 0) END AS lasting_hazard,
  CASE
    WHEN ROUND(current_sum / current_count, ${DECIMALS}) > ROUND(${TRIP_SHARE} * rated_current, ${DECIMALS}) THEN 'HIGH'
    WHEN ROUND(avg_current_60min, ${DECIMALS}) > ROUND(${NO_TRIP_SHARE} * rated_current, ${DECIMALS})
      AND current_minutes_60min >= ${NO_TRIP_MINUTES} THEN 'MEDIUM'
  END AS overcurrent_level
FROM (
  SELECT
    *,
    SUM(co_sum) OVER ten_before / SUM(co_count) OVER ten_before AS avg_co_10min,
    COUNT(co_sum) OVER ten_before AS minutes_10min,
    SUM(total_arcs) OVER ten_before AS arcs_10min,
    MAX(worst_reading) OVER ten_before AS worst_reading_10min
  FROM minute_changes
  WINDOW ten_before AS (
    PARTITION BY device_id ORDER BY minute_time
    RANGE BETWEEN INTERVAL '${RECENT_MINUTES_BEFORE}' MINUTE PRECEDING AND CURRENT ROW)
)
