-- Which devices of each site fell silent in the latest three minutes? One row per site, minute, device and silence, so that a
-- silence has three rows, of age 0, 1 and 2 minutes.
-- Hopping window over the silences, as long as the one of site_reporters with which it is joined.
CREATE TEMPORARY VIEW silences_by_minute AS
SELECT
  site_id,
  device_id,
  window_start,
  window_end,
  profile_version,
  held_until,
  last_seen,
  silent_at,
  TIMESTAMPDIFF(MINUTE, silent_at, window_end) AS age
FROM TABLE(HOP(TABLE silences, DESCRIPTOR(silence_time), INTERVAL '1' MINUTE, INTERVAL '${SITE_SILENCE_MINUTES}' MINUTE))
WHERE site_id IS NOT NULL AND TIMESTAMPDIFF(MINUTE, silent_at, window_end) <= 2
