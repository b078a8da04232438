-- How hot was each slice of time? One row per device and ${SLICE_SECONDS} s with a temperature.
-- Tumbling window over the readings that are not late; rising_slices compares the slices. A temperature below
-- ${RISE_START_C} °C is no start of a rise: the way back from a sensor's error is no fire.
CREATE TEMPORARY VIEW temperature_slices AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  MAX(worst_reading) AS worst_reading,
  window_end AS slice_end,
  window_time AS slice_time,
  MAX(max_temperature) AS highest,
  MIN(CASE WHEN max_temperature >= ${RISE_START_C} THEN max_temperature END) AS lowest
FROM TABLE(TUMBLE(TABLE on_time_readings, DESCRIPTOR(event_time), INTERVAL '${SLICE_SECONDS}' SECOND))
WHERE max_temperature IS NOT NULL
GROUP BY device_id, window_start, window_end, window_time
