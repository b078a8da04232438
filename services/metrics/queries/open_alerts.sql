-- How many alerts stand open, by level? One row a level that has any; alerts_open serves it.
SELECT level, count(*) AS alerts
FROM alerts
WHERE state <> 'CLEARED' AND resolved_at IS NULL
GROUP BY level
ORDER BY level
