-- Minutes of sites that had a hazard.
CREATE TEMPORARY VIEW watched_site_minutes AS
SELECT
  'MINUTE' AS kind,
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  window_end AS event_time,
  held_until
FROM watched_sites
WHERE is_watched
