-- What happened at a site? Its alerts since a time, the newest first.
SELECT * FROM alerts
WHERE site_id = %(site)s AND opened_at > %(since)s
ORDER BY opened_at DESC, alert_id DESC LIMIT %(limit)s
