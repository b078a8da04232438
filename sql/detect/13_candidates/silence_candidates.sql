-- Which devices sent no reading for ${SILENCE_MINUTES} minutes, though their site did not fall silent? One row per device and
-- silence.
CREATE TEMPORARY VIEW silence_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'silences' AS cause,
  'DEVICE_SILENT' AS alert_type,
  'MEDIUM' AS level,
  0e0 AS risk_score,
  TIMESTAMPADD(MINUTE, ${SILENCE_MINUTES}, last_seen) AS event_time,
  last_seen,
  profile_version,
  COALESCE(DATE_FORMAT(silent_at, '${ISO_TIME}') < held_until, FALSE) AS is_held,
  held_until
FROM unshared_silences
