-- What is the risk level of each site? One row per site and minute.
-- Adds the level to site_windows.
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
