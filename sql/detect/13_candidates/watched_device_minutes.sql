-- Which minutes with readings does the alert job need? One row per watched device and minute; a silent device has none, because
-- silence is not an all-clear.
CREATE TEMPORARY VIEW watched_device_minutes AS
SELECT
  'MINUTE' AS kind,
  device_id AS subject,
  site_id,
  minute_end AS event_time,
  profile_version,
  held_until
FROM watched_minutes
WHERE is_watched
