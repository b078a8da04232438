-- Which minutes tell that devices of a silent site may have returned? One row per site and minute, which speaks of the alert of the
-- site's silence only; the alert job compares its devices with those that fell silent. A device's maintenance window says nothing
-- about its site.
CREATE TEMPORARY VIEW returned_site_minutes AS
SELECT
  'MINUTE' AS kind,
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  'SITE_SILENT' AS alert_type,
  window_end AS event_time,
  device_names,
  FALSE AS is_held,
  CAST(NULL AS STRING) AS held_until
FROM watched_returns
