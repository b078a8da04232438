INSERT INTO alert_state (alert_id, alert)
SELECT `key`, payload FROM alert_output WHERE kind = 'alert_state'
