-- How far has the temperature risen within a minute? One row per device and 10 seconds with a temperature.
-- Slices of 10 s under an OVER window of 60 s cost one state access a reading, a hopping window six.
CREATE TEMPORARY VIEW temperature_minutes AS
SELECT
  device_id,
  site_id,
  profile_version,
  held_until,
  slice_end,
  highest,
  MIN(lowest) OVER (
    PARTITION BY device_id ORDER BY slice_time
    RANGE BETWEEN INTERVAL '${RISE_SECONDS_BEFORE}' SECOND PRECEDING AND CURRENT ROW) AS lowest_60s
FROM temperature_slices
