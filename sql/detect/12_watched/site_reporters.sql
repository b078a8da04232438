-- How many devices does each site have? One row per site and minute with readings, over the devices that reported lately.
-- Hopping window over the minutes; it reaches back before the silences that are judged, so that it counts the silent devices too.
CREATE TEMPORARY VIEW site_reporters AS
SELECT
  site_id,
  window_start,
  window_end,
  COUNT(DISTINCT device_id) AS devices
FROM TABLE(HOP(TABLE minutes, DESCRIPTOR(minute_time), INTERVAL '1' MINUTE, INTERVAL '${SITE_SILENCE_MINUTES}' MINUTE))
WHERE site_id IS NOT NULL
GROUP BY site_id, window_start, window_end
