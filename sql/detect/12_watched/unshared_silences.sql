-- Which devices fell silent for themselves? One row per device and silence, but for those of a site that fell silent as a whole.
-- Window join of the silences with the verdict about their site, which comes a minute later; devices without a site do not wait.
CREATE TEMPORARY VIEW unshared_silences AS
SELECT a.device_id, a.site_id, a.profile_version, a.held_until, a.last_seen, a.silent_at
FROM silences_by_minute AS a
JOIN site_verdicts AS s
  ON a.window_start = s.window_start AND a.window_end = s.window_end AND a.site_id = s.site_id
WHERE a.age = 1 AND NOT s.is_silent
UNION ALL
SELECT device_id, site_id, profile_version, held_until, last_seen, silent_at
FROM silences
WHERE site_id IS NULL
