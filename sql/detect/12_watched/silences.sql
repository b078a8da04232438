-- Which devices have fallen silent? One row per device and silence, while it is silent: as soon as others have moved time on.
-- Session window over the minutes; its gap is the silence. A wholly silent input moves no time and is the pipeline's health.
CREATE TEMPORARY VIEW silences AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  MAX(profile_version) AS profile_version,
  MAX(held_until) AS held_until,
  MAX(last_seen) AS last_seen,
  window_end
FROM TABLE(SESSION(TABLE minutes PARTITION BY device_id, DESCRIPTOR(minute_time), INTERVAL '${SILENCE_MINUTES}' MINUTE))
GROUP BY device_id, window_start, window_end
