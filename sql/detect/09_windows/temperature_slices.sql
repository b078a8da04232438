-- How hot were the last ten seconds? One row per device and 10 seconds with a temperature; what temperature_rises adds up.
CREATE TEMPORARY VIEW temperature_slices AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  window_end AS slice_end,
  window_time AS slice_time,
  MAX(max_temperature) AS highest,
  MIN(max_temperature) AS lowest
FROM TABLE(TUMBLE(TABLE on_time_readings, DESCRIPTOR(event_time), INTERVAL '${SLICE_SECONDS}' SECOND))
WHERE max_temperature IS NOT NULL
GROUP BY device_id, window_start, window_end, window_time
