-- Which minutes tell that a device of a silent site has returned? One row per device and watched minute after a pause, which
-- speaks of the alert of the site's silence only; the alert job compares the device with those that fell silent. A maintenance
-- window of the device says nothing about its site.
CREATE TEMPORARY VIEW returned_site_minutes AS
SELECT
  'MINUTE' AS kind,
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  'SITE_SILENT' AS alert_type,
  minute_end AS event_time,
  device_id AS device_names,
  FALSE AS is_held
FROM watched_minutes
WHERE has_paused AND site_id IS NOT NULL
