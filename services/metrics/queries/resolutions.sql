-- How did people resolve the alerts of the last 30 days? One row per resolution (confirmed_hazard, false_alarm, maintenance).
-- Unresolved alerts are not counted, so a share of false alarms is a share of the resolved alerts.
SELECT resolution, count(*) AS alerts
FROM alerts
WHERE opened_at > now() - INTERVAL '30 days' AND resolution IS NOT NULL
GROUP BY resolution
ORDER BY resolution
