-- Which sites fell silent as a whole? One row per site and minute in which silences are judged; is_silent where at least
-- ${SILENT_DEVICES} devices, and at least half of them, fell silent in two minutes in a row.
-- Window join of the site's silences with the number of its devices.
CREATE TEMPORARY VIEW site_verdicts AS
SELECT
  site_id,
  window_start,
  window_end,
  devices,
  held_until,
  is_recent OR is_earlier AS is_silent,
  CASE WHEN is_recent THEN recent ELSE earlier END AS devices_silent,
  CASE WHEN is_recent THEN recent_last_seen ELSE earlier_last_seen END AS last_seen,
  CASE WHEN is_recent THEN recent_names ELSE earlier_names END AS device_names
FROM (
  SELECT
    s.*,
    r.devices,
    s.recent >= ${SILENT_DEVICES} AND s.recent >= ${SILENT_SHARE} * r.devices AS is_recent,
    s.earlier >= ${SILENT_DEVICES} AND s.earlier >= ${SILENT_SHARE} * r.devices AS is_earlier
  FROM site_silences AS s
  JOIN site_reporters AS r
    ON s.window_start = r.window_start AND s.window_end = r.window_end AND s.site_id = r.site_id
)
