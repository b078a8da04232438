-- Minutes with readings of devices that had something remarkable; silence is never taken for an all-clear.
INSERT INTO candidates_out (
  schema_version,
  kind,
  subject_kind,
  subject,
  site_id,
  event_time,
  is_late,
  profile_version,
  is_held,
  held_until
)
SELECT
  1 AS schema_version,
  'MINUTE' AS kind,
  'DEVICE' AS subject_kind,
  device_id AS subject,
  site_id,
  DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  profile_version,
  COALESCE(DATE_FORMAT(minute_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM watched_minutes
WHERE is_watched
