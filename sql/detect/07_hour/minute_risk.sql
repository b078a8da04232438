-- How risky was each minute in the light of its hour? One row per device and minute with readings.
-- The slope is array work: one vectorised Python function, once a minute. It hands on nothing it does not make.
CREATE TEMPORARY VIEW minute_risk AS
SELECT
  *,
  minute_context(hour_minutes, hour_temperatures, CAST(arcs_60min AS DOUBLE), mean_indicator_60min,
    max_base_risk, max_floor_risk) AS c
FROM minute_history
