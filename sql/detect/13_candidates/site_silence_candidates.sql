-- Which sites fell silent as a whole? One row per site and minute with silences that belong to such a fall; each names them all.
CREATE TEMPORARY VIEW site_silence_candidates AS
SELECT
  'SITE' AS subject_kind,
  site_id AS subject,
  site_id,
  'silences' AS cause,
  'SITE_SILENT' AS alert_type,
  'MEDIUM' AS level,
  0e0 AS risk_score,
  TIMESTAMPADD(MINUTE, ${SILENCE_MINUTES}, last_seen) AS event_time,
  devices,
  devices_silent,
  device_names,
  last_seen,
  COALESCE(DATE_FORMAT(window_end, '${ISO_TIME}') < held_until, FALSE) AS is_held,
  held_until
FROM site_verdicts
WHERE is_silent
