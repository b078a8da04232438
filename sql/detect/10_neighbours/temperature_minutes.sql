-- How far has the temperature risen within ${RISE_SECONDS} s? One row per device and slice with a temperature.
-- OVER window over the slices, which costs one state access per reading; a hopping window would cost one for each step.
CREATE TEMPORARY VIEW temperature_minutes AS
SELECT
  device_id,
  site_id,
  profile_version,
  held_until,
  worst_reading,
  slice_end,
  highest,
  MIN(lowest) OVER (
    PARTITION BY device_id ORDER BY slice_time
    RANGE BETWEEN INTERVAL '${RISE_SECONDS_BEFORE}' SECOND PRECEDING AND CURRENT ROW) AS lowest_60s
FROM temperature_slices
