-- The rows of alerts_checked without a fault; cleared_at is the time of the transition that cleared the alert.
CREATE TEMPORARY VIEW alerts_usable AS
SELECT
  alert_id, transition, level, schema_version, subject, site_id, alert_type, peak_level, risk_score, peak_risk_score,
  candidate_count, base_risk, floor_risk, rule_risk, status_risk, pattern_risk, confidence, explanation,
  max_temperature, voltage, `current`, leakage_current, resistive_leakage, arc_count, co_gas, voc, status_bits,
  event_time, opened_at, last_candidate_at, message_ko, message_en, recommendations_ko, recommendations_en,
  CASE WHEN transition = 'CLEARED' THEN event_time END AS cleared_at
FROM alerts_checked
WHERE fault IS NULL
