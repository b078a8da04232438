-- What is the risk of each site? One row per site and minute, over its devices' last two minutes.
-- Window aggregation on the window of the devices' rows. A hazard is a site at risk with ${SITE_DEVICES} devices at risk, or as
-- many devices at high risk. A maintenance window covers the site as long as it covers all of its devices that report.
CREATE TEMPORARY VIEW site_windows AS
SELECT
  *,
  (site_risk >= ${HIGH} AND devices_high >= ${SITE_DEVICES}) OR devices_clustered >= ${SITE_DEVICES} AS is_hazard
FROM (
SELECT
  site_id,
  window_start,
  window_end,
  window_time,
  NULLIF(MIN(COALESCE(held_until, '')), '') AS held_until,
  MAX(worst_reading) AS worst_reading,
  COUNT(*) AS devices,
  COUNT(CASE WHEN risk_score >= ${HIGH} THEN 1 END) AS devices_high,
  COUNT(CASE WHEN risk_score > ${CLUSTER_RISK} THEN 1 END) AS devices_clustered,
  COUNT(CASE WHEN risk_score > ${PAIR_RISK} THEN 1 END) AS devices_at_risk,
  -- The riskiest first: each name is sorted behind seven digits that fall as its risk rises.
  ARRAY_JOIN(ARRAY_SLICE(ARRAY_SORT(
    ARRAY_AGG(CONCAT(CAST(2000000 - CAST(ROUND(risk_score * 1000000, 0) AS INT) AS STRING), device_id)) FILTER (WHERE risk_score >= ${HIGH})
  ), 1, ${CLUSTER_NAMES}), U&'\000A') AS ranked_names,
  AVG(risk_score) AS mean_risk,
  MAX(risk_score) AS max_risk,
  ROUND(GREATEST(AVG(risk_score), MAX(risk_score) * LEAST(1e0, ${SITE_SHARE}
    + ${SITE_SHARE_PER_DEVICE} * COUNT(CASE WHEN risk_score >= ${HIGH} THEN 1 END))), ${DECIMALS}) AS site_risk
FROM site_devices
GROUP BY site_id, window_start, window_end, window_time
)
