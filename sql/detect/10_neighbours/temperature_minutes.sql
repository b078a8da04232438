-- How far has the temperature risen within ${RISE_SECONDS} s? One row per device and slice with a temperature.
-- A temperature below ${RISE_START_C} °C is no start of a rise: the way back from a sensor's error is no fire.
-- OVER window over the slices; a hopping window would access state once for each step.
CREATE TEMPORARY VIEW temperature_minutes AS
SELECT
  device_id,
  site_id,
  profile_version,
  held_until,
  slice_end,
  max_temperature AS highest,
  MIN(rise_start) OVER (
    PARTITION BY device_id ORDER BY slice_time
    RANGE BETWEEN INTERVAL '${RISE_SECONDS_BEFORE}' SECOND PRECEDING AND CURRENT ROW) AS lowest_60s
FROM slices
WHERE temperature_count > 0
