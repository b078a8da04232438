-- How did people judge the alerts of the last 30 days? One row a resolution (confirmed_hazard, false_alarm, maintenance, …).
-- What nobody judged is not counted: the share of false alarms is of the judged ones alone.
SELECT resolution, count(*) AS alerts
FROM alerts
WHERE opened_at > now() - INTERVAL '30 days' AND resolution IS NOT NULL
GROUP BY resolution
ORDER BY resolution
