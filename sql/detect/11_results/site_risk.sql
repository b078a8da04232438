-- How is each site, as a level? One row per site and minute.
CREATE TEMPORARY VIEW site_risk AS
SELECT
  site_id,
  window_start,
  window_end,
  devices,
  devices_high,
  mean_risk,
  max_risk,
  site_risk,
  CASE
    WHEN site_risk >= ${CRITICAL} THEN 'CRITICAL'
    WHEN site_risk >= ${HIGH} THEN 'HIGH'
    WHEN site_risk >= ${MEDIUM} THEN 'MEDIUM'
    WHEN site_risk >= ${LOW} THEN 'LOW'
    ELSE 'NORMAL'
  END AS risk_level
FROM site_windows
