-- Which minutes of a site must the alert job see? One row per site and minute, watched or not: the eleven from a hazard on.
CREATE TEMPORARY VIEW watched_sites AS
SELECT
  site_id,
  window_end,
  held_until,
  SUM(CASE WHEN is_hazard THEN 1 ELSE 0 END) OVER (
    PARTITION BY site_id ORDER BY window_time ROWS BETWEEN ${REMEMBERED_MINUTES} PRECEDING AND CURRENT ROW) > 0 AS is_watched
FROM site_windows
