-- Every usable transition becomes its alert's state; every update its counts and peaks.
INSERT INTO alerts_out (
  alert_id, state, level, schema_version, subject, site_id, alert_type, peak_level, risk_score, peak_risk_score,
  candidate_count, base_risk, floor_risk, rule_risk, status_risk, pattern_risk, confidence, explanation,
  max_temperature, voltage, `current`, leakage_current, resistive_leakage, arc_count, co_gas, voc, status_bits,
  event_time, opened_at, last_candidate_at, cleared_at, message_ko, message_en, recommendations_ko, recommendations_en,
  subject_kind, cause, last_seen, was_held, profile_version, reminded_at
)
SELECT
  alert_id, state, level, schema_version, subject, site_id, alert_type, peak_level, risk_score, peak_risk_score,
  candidate_count, base_risk, floor_risk, rule_risk, status_risk, pattern_risk, confidence, explanation,
  max_temperature, voltage, `current`, leakage_current, resistive_leakage, arc_count, co_gas, voc, status_bits,
  event_time, opened_at, last_candidate_at, cleared_at, message_ko, message_en, recommendations_ko, recommendations_en,
  subject_kind, cause, last_seen, was_held, profile_version, reminded_at
FROM alerts_usable
