-- How many devices of each site fell silent together? One row per site and minute in which silences are judged: those of age 1,
-- together with those of the minute after them (recent) and with those of the minute before (earlier).
-- Window aggregation on the window of the silences' rows; names are sorted, so that the order of arrival changes no row.
CREATE TEMPORARY VIEW site_silences AS
SELECT
  site_id,
  window_start,
  window_end,
  NULLIF(MIN(COALESCE(held_until, '')), '') AS held_until,
  COUNT(CASE WHEN age <= 1 THEN 1 END) AS recent,
  COUNT(CASE WHEN age >= 1 THEN 1 END) AS earlier,
  MAX(CASE WHEN age <= 1 THEN last_seen END) AS recent_last_seen,
  MAX(CASE WHEN age >= 1 THEN last_seen END) AS earlier_last_seen,
  ARRAY_JOIN(ARRAY_SLICE(ARRAY_SORT(ARRAY_AGG(device_id) FILTER (WHERE age <= 1)), 1, ${SILENT_NAMES}), U&'\000A') AS recent_names,
  ARRAY_JOIN(ARRAY_SLICE(ARRAY_SORT(ARRAY_AGG(device_id) FILTER (WHERE age >= 1)), 1, ${SILENT_NAMES}), U&'\000A') AS earlier_names
FROM silences_by_minute
GROUP BY site_id, window_start, window_end
HAVING COUNT(CASE WHEN age = 1 THEN 1 END) > 0
