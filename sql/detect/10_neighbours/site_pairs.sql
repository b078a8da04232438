-- Which neighbours differ, and which are at risk together? One row per minute and pair of a site's devices, one of them at risk.
-- Window join on the window of the devices' rows: each of the riskiest devices with every device that follows it in the order of
-- risk and id, so that a pair comes once; device1 precedes device2 in the order of texts.
CREATE TEMPORARY VIEW site_pairs AS
SELECT
  a.site_id,
  a.window_start,
  a.window_end,
  CASE WHEN a.device_id < b.device_id THEN a.device_id ELSE b.device_id END AS device1,
  CASE WHEN a.device_id < b.device_id THEN b.device_id ELSE a.device_id END AS device2,
  ROUND(ABS(a.max_temperature - b.max_temperature), ${DECIMALS}) AS temp_diff,
  ROUND(ABS(a.risk_score - b.risk_score), ${DECIMALS}) AS risk_diff,
  (a.risk_score + b.risk_score) / 2 AS avg_risk,
  a.risk_score > ${CLUSTER_RISK} AND b.risk_score > ${CLUSTER_RISK} AS is_cluster,
  a.devices_left_out
FROM riskiest_devices AS a
JOIN site_devices AS b
  ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.site_id = b.site_id
WHERE a.risk_score > b.risk_score OR (a.risk_score = b.risk_score AND a.device_id < b.device_id)
