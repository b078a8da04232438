-- Devices without a reading for five minutes.
INSERT INTO candidates_out (
  schema_version,
  kind,
  subject_kind,
  subject,
  site_id,
  cause,
  alert_type,
  level,
  risk_score,
  event_time,
  is_late,
  last_seen,
  profile_version,
  is_held,
  held_until
)
SELECT
  1 AS schema_version,
  'CANDIDATE' AS kind,
  'DEVICE' AS subject_kind,
  device_id AS subject,
  site_id,
  'silences' AS cause,
  'DEVICE_SILENT' AS alert_type,
  'MEDIUM' AS level,
  0e0 AS risk_score,
  DATE_FORMAT(TIMESTAMPADD(MINUTE, ${SILENCE_MINUTES}, last_seen), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS event_time,
  FALSE AS is_late,
  DATE_FORMAT(last_seen, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS last_seen,
  profile_version,
  COALESCE(DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') < held_until, FALSE) AS is_held,
  held_until
FROM silences
