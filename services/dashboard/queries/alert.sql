-- One alert, none where there is no such one.
SELECT * FROM alerts WHERE alert_id = %(alert)s
