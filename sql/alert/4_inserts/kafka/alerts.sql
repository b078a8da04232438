INSERT INTO alerts (subject, alert)
SELECT `key`, payload FROM alert_output WHERE kind = 'alert'
