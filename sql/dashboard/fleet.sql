-- How many devices are there, how many report, at which levels? One row.
-- A mean of risks beyond 0 to 1, which nothing of ours writes, could be larger than a number can be; it takes them for 0 or 1.
-- Counts every device, so it reads the whole of device_state (one row a device); the overview asks once a second at most.
SELECT count(*) AS total, count(*) FILTER (WHERE last_seen > %(active_since)s) AS active,
       count(*) FILTER (WHERE risk_level = 'CRITICAL') AS critical, count(*) FILTER (WHERE risk_level = 'HIGH') AS high,
       count(*) FILTER (WHERE risk_level = 'MEDIUM') AS medium, count(*) FILTER (WHERE risk_level = 'LOW') AS low,
       count(*) FILTER (WHERE risk_level = 'NORMAL') AS normal,
       max(risk_score) FILTER (WHERE last_seen > %(hour_since)s) AS max_risk,
       avg(least(greatest(risk_score, 0), 1)) FILTER (WHERE last_seen > %(hour_since)s) AS mean_risk
FROM device_state
