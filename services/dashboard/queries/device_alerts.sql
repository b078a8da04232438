-- Which alerts does a device have? Those opened since a time and all open ones, newest first.
SELECT * FROM alerts
WHERE subject = %(device)s AND (opened_at > %(since)s
       OR (state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)))
ORDER BY opened_at DESC, alert_id DESC LIMIT %(limit)s
