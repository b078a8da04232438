-- How many alerts match the filters? One row; at most `most` are counted.
SELECT count(*) AS total FROM (SELECT FROM alerts
WHERE (%(level)s::text IS NULL OR level = %(level)s) AND (%(alert_type)s::text IS NULL OR alert_type = %(alert_type)s)
  AND (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(prefix)s::text IS NULL OR subject LIKE %(prefix)s)
  AND (%(since)s::timestamptz IS NULL OR opened_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR opened_at < %(until)s)
  AND (%(state)s <> 'open' OR (state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)))
  AND (%(state)s <> 'cleared' OR state = 'CLEARED') AND (%(state)s <> 'acknowledged' OR acknowledged_at IS NOT NULL)
  AND (%(state)s <> 'resolved' OR resolved_at IS NOT NULL)
LIMIT %(most)s) AS found
