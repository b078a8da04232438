-- What changed since the previous minute? One row per device and minute with readings.
-- A second OVER window, because all aggregates of a query must share a frame. A list ends with the minute's own value; the one
-- before it is that of the previous minute, if that is at most ${SPIKE_GAP_MINUTES} minutes away.
CREATE TEMPORARY VIEW minute_changes AS
SELECT
  *,
  CASE WHEN CARDINALITY(recent_risks) > 1 THEN recent_risks[CARDINALITY(recent_risks) - 1] END AS previous_risk_score,
  CASE WHEN CARDINALITY(recent_risks) > 1 THEN recent_lows[CARDINALITY(recent_risks) - 1] END AS previous_low
FROM (
  SELECT
    *,
    ARRAY_AGG(risk_score) OVER recently AS recent_risks,
    ARRAY_AGG(min_temperature) OVER recently AS recent_lows
  FROM minute_scored
  WINDOW recently AS (
    PARTITION BY device_id ORDER BY minute_time
    RANGE BETWEEN INTERVAL '${SPIKE_GAP_MINUTES}' MINUTE PRECEDING AND CURRENT ROW)
)
