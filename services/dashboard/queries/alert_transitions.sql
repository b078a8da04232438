-- What happened to an alert? One row per transition, oldest first.
SELECT transition, level, risk_score, event_time, message_en, message_ko, was_held FROM alert_transitions
WHERE alert_id = %(alert)s ORDER BY event_time, transition LIMIT %(limit)s
