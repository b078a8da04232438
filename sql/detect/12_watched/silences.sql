-- Which devices have fallen silent? One row per device and silence, as soon as other devices have advanced event time.
-- Session window over the minutes, whose gap is the silence. If all devices are silent, event time does not advance; the
-- pipeline's health reports that.
CREATE TEMPORARY VIEW silences AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  MAX(last_seen) AS last_seen,
  window_end AS silent_at,
  window_time AS silence_time
FROM TABLE(SESSION(TABLE minutes PARTITION BY device_id, DESCRIPTOR(minute_time), INTERVAL '${SILENCE_MINUTES}' MINUTE))
GROUP BY device_id, window_start, window_end, window_time
