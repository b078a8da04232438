-- The rows of alerts_checked without a fault. A row without a transition brings an alert up to date: its state UPDATED
-- lies before all others, so that the database takes its counts and peaks and nothing else (fire_merge_alert).
-- An alert has one OPENED, and an ESCALATED for each level, but many reminders; occasion tells those apart.
CREATE TEMPORARY VIEW alerts_usable AS
SELECT
  alert_id, transition, level, schema_version, subject, site_id, alert_type, peak_level, risk_score, peak_risk_score,
  candidate_count, base_risk, floor_risk, rule_risk, status_risk, pattern_risk, confidence, explanation,
  max_temperature, voltage, `current`, leakage_current, resistive_leakage, arc_count, co_gas, voc, status_bits,
  event_time, opened_at, last_candidate_at, message_ko, message_en, recommendations_ko, recommendations_en,
  subject_kind, cause, last_seen, was_held, profile_version,
  COALESCE(transition, 'UPDATED') AS state,
  CASE WHEN transition = 'CLEARED' THEN event_time END AS cleared_at,
  CASE WHEN transition = 'REMINDED' THEN event_time END AS reminded_at,
  CASE WHEN transition = 'REMINDED' THEN event_time ELSE opened_at END AS occasion
FROM alerts_checked
WHERE fault IS NULL
