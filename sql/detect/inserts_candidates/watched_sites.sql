-- Minutes of sites that had a hazard.
INSERT INTO candidates_out (
  schema_version,
  kind,
  subject_kind,
  subject,
  site_id,
  event_time,
  is_late,
  is_held,
  held_until
)
SELECT
  1 AS schema_version,
  'MINUTE' AS kind,
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  COALESCE(DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM watched_sites
WHERE is_watched
