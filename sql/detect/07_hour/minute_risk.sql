-- How risky was each minute in the context of its hour? One row per device and minute with readings.
-- A vectorised Python function computes the slope over the hour's lists, once per device and minute.
CREATE TEMPORARY VIEW minute_risk AS
SELECT
  *,
  minute_context(hour_minutes, hour_temperatures, CAST(arcs_60min AS DOUBLE), mean_indicator_60min,
    max_base_risk, max_floor_risk) AS c
FROM minute_history
