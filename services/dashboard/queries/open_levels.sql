-- How many alerts are open at each level? One row per level that has any; uses the index of open alerts.
SELECT level, count(*) AS alerts FROM alerts
WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)
GROUP BY level
