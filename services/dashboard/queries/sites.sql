-- What is the state of the sites? One row per site, worst first: its latest risk (null if it is too old), the number of its
-- devices at risk, and its open alerts. It counts all devices, so it reads all of device_state.
WITH fleet AS (
    SELECT site_id, count(*) AS devices, max(last_seen) AS last_seen,
           count(*) FILTER (WHERE risk_level IN ('HIGH', 'CRITICAL')) AS at_risk
    FROM device_state WHERE site_id IS NOT NULL GROUP BY site_id
), raised AS (
    SELECT site_id, count(*) AS open_alerts, max(fire_level_rank(level)) AS worst FROM alerts
    WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)
    GROUP BY site_id
), present AS (
    SELECT DISTINCT ON (site_id) site_id, site_risk, risk_level FROM site_risk WHERE window_end > %(since)s
    ORDER BY site_id, window_end DESC
), judged AS (
    SELECT fleet.site_id, devices, at_risk, site_risk, risk_level, coalesce(open_alerts, 0) AS open_alerts, last_seen,
           row_number() OVER (ORDER BY greatest(fire_level_rank(risk_level), worst) DESC NULLS LAST, site_risk DESC NULLS LAST,
                              open_alerts DESC NULLS LAST, fleet.site_id) AS place,
           count(*) OVER () AS total
    FROM fleet LEFT JOIN raised USING (site_id) LEFT JOIN present USING (site_id)
)
SELECT * FROM judged WHERE place > %(after)s ORDER BY place LIMIT %(limit)s
