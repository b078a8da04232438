-- What is known of an alert? One row, or none if there is no such alert.
SELECT * FROM alerts WHERE alert_id = %(alert)s
