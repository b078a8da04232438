-- Which minutes of sites does the alert job need? One row per watched site and minute.
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
