-- Which alerts did a site have since a time? One row per alert, newest first.
SELECT * FROM alerts
WHERE site_id = %(site)s AND opened_at > %(since)s
ORDER BY opened_at DESC, alert_id DESC LIMIT %(limit)s
