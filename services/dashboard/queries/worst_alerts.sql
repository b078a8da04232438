-- Which open alerts matter most? One row per alert, worst level first, then newest; in the order of the index alerts_worst_open.
SELECT * FROM alerts
WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)
ORDER BY fire_level_rank(level) DESC, opened_at DESC, alert_id DESC
LIMIT %(limit)s
