-- Which versions of the registry are in force, and for how many devices? One row per version in the latest minutes.
SELECT profile_version AS version, count(DISTINCT device_id) AS devices, max(minute_end) AS last_seen FROM device_minutes
WHERE minute_end > %(since)s AND profile_version IS NOT NULL
GROUP BY profile_version ORDER BY max(minute_end) DESC, version
