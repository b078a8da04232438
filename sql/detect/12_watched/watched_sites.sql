-- Which minutes of a site must the alert job see to know that a hazard is over? One row per site and minute, watched or not.
-- A minute is watched if it, or one of the site's ${REMEMBERED_MINUTES} minutes with readings before it, was a hazard; the OVER
-- window counts rows.
CREATE TEMPORARY VIEW watched_sites AS
SELECT
  site_id,
  window_end,
  held_until,
  SUM(CASE WHEN is_hazard THEN 1 ELSE 0 END) OVER (
    PARTITION BY site_id ORDER BY window_time ROWS BETWEEN ${REMEMBERED_MINUTES} PRECEDING AND CURRENT ROW) > 0 AS is_watched
FROM site_windows
