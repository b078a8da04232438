-- Minutes with readings of devices that had something remarkable; silence is never taken for an all-clear.
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
