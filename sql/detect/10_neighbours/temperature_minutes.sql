-- How far has the temperature risen within ${RISE_SECONDS} s? One row per device and ${STEP_SECONDS} s, if it has
-- by at least ${EARLY_C} °C.
-- Tumbling window over the rare rising slices, the last of which knows all of its ${STEP_SECONDS} s.
CREATE TEMPORARY VIEW temperature_minutes AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  MAX(worst_reading) AS worst_reading,
  window_end AS slice_end,
  MAX(step_highest) AS highest,
  MIN(step_lowest) AS lowest_60s
FROM TABLE(TUMBLE(TABLE rising_slices, DESCRIPTOR(slice_time), INTERVAL '${STEP_SECONDS}' SECOND))
GROUP BY device_id, window_start, window_end
