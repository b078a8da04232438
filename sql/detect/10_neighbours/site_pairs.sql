-- Which neighbours differ, and which are at risk together? One row per minute and pair of a site's devices, one of them at risk.
-- Window join on the window of the devices' rows; device1 precedes device2 in the order of texts.
CREATE TEMPORARY VIEW site_pairs AS
SELECT
  a.site_id,
  a.window_start,
  a.window_end,
  a.device_id AS device1,
  b.device_id AS device2,
  ROUND(ABS(a.max_temperature - b.max_temperature), ${DECIMALS}) AS temp_diff,
  ROUND(ABS(a.risk_score - b.risk_score), ${DECIMALS}) AS risk_diff,
  (a.risk_score + b.risk_score) / 2 AS avg_risk,
  a.risk_score > ${CLUSTER_RISK} AND b.risk_score > ${CLUSTER_RISK} AS is_cluster
FROM riskiest_devices AS a
JOIN riskiest_devices AS b
  ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.site_id = b.site_id
WHERE a.device_id < b.device_id AND (a.risk_score > ${PAIR_RISK} OR b.risk_score > ${PAIR_RISK})
