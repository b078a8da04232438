-- Which devices of each site have reported again after a pause? One row per site and minute with such devices, which it names.
-- Window aggregation over the minutes of each site; a device that is new, or was forgotten, counts as one that has returned.
CREATE TEMPORARY VIEW watched_returns AS
SELECT
  site_id,
  window_end,
  ARRAY_JOIN(ARRAY_SLICE(ARRAY_SORT(ARRAY_AGG(device_id)), 1, ${SILENT_NAMES}), U&'\000A') AS device_names
FROM TABLE(TUMBLE(TABLE watched_minutes, DESCRIPTOR(minute_time), INTERVAL '1' MINUTE))
WHERE has_paused AND site_id IS NOT NULL
GROUP BY site_id, window_start, window_end
