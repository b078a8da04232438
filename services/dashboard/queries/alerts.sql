-- Which alerts match the filters? One page, newest first; a filter that is null matches everything.
-- The page starts after the alert that `opened_at` and `alert` identify.
SELECT * FROM alerts
WHERE (%(level)s::text IS NULL OR level = %(level)s) AND (%(alert_type)s::text IS NULL OR alert_type = %(alert_type)s)
  AND (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(prefix)s::text IS NULL OR subject LIKE %(prefix)s)
  AND (%(since)s::timestamptz IS NULL OR opened_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR opened_at < %(until)s)
  AND (%(state)s <> 'open' OR (state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)))
  AND (%(state)s <> 'cleared' OR state = 'CLEARED') AND (%(state)s <> 'acknowledged' OR acknowledged_at IS NOT NULL)
  AND (%(state)s <> 'resolved' OR resolved_at IS NOT NULL)
  AND (%(opened_at)s::timestamptz IS NULL OR (opened_at, alert_id) < (%(opened_at)s, %(alert)s))
ORDER BY opened_at DESC, alert_id DESC LIMIT %(limit)s
