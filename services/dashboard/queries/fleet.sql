-- How many devices are there, how many of them report, and at which levels? One row.
-- It reads all of device_state (one row per device); the overview runs it at most once a second.
-- Risks outside 0 to 1, which no job writes, count as 0 or 1: their sum could exceed what a number holds.
SELECT count(*) AS total, count(*) FILTER (WHERE last_seen > %(active_since)s) AS active,
       count(*) FILTER (WHERE risk_level = 'CRITICAL') AS critical, count(*) FILTER (WHERE risk_level = 'HIGH') AS high,
       count(*) FILTER (WHERE risk_level = 'MEDIUM') AS medium, count(*) FILTER (WHERE risk_level = 'LOW') AS low,
       count(*) FILTER (WHERE risk_level = 'NORMAL') AS normal,
       max(risk_score) FILTER (WHERE last_seen > %(hour_since)s) AS max_risk,
       avg(least(greatest(risk_score, 0), 1)) FILTER (WHERE last_seen > %(hour_since)s) AS mean_risk
FROM device_state
