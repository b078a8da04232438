-- Which readings do windows count, and when? One row per distinct reading that did not arrive behind the watermark, or whose
-- device's clock is steadily slow: such a reading is counted by arrival, and event_time says so here.
CREATE TEMPORARY VIEW on_time_readings AS
SELECT
  steady_time AS event_time,
  follows_late_risk,
  ${ON_TIME_COLUMNS}
FROM compared
WHERE is_on_time
