-- Which alerts did a site have since a time? One row per alert, newest first.
SELECT alert_id, state, subject, subject_kind, site_id, alert_type, level, peak_level, risk_score, peak_risk_score, opened_at,
       event_time, last_candidate_at, cleared_at, candidate_count, explanation, message_en, message_ko, recommendations_en,
       recommendations_ko, max_temperature, voltage, current, leakage_current, resistive_leakage, arc_count, co_gas, voc,
       status_bits, acknowledged_at, acknowledged_by, resolved_at, resolved_by, resolution, note, note_at
FROM alerts
WHERE site_id = %(site)s AND opened_at > %(since)s
ORDER BY opened_at DESC, alert_id DESC LIMIT %(limit)s
