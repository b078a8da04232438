-- How many alerts are open at each level? One row per level that has any; uses the index alerts_open.
SELECT level, count(*) AS alerts
FROM alerts
WHERE state <> 'CLEARED' AND resolved_at IS NULL
GROUP BY level
ORDER BY level
