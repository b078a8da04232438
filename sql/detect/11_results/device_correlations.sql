-- The pairs, each with its kind. One row per pair of a site's devices and minute.
CREATE TEMPORARY VIEW device_correlations AS
SELECT
  1 AS schema_version,
  site_id,
  DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS window_start,
  DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS window_end,
  device1,
  device2,
  temp_diff,
  risk_diff,
  avg_risk,
  CASE
    WHEN is_cluster THEN 'HIGH_RISK_CLUSTER'
    WHEN temp_diff > ${DIVERGENCE_C} THEN 'TEMP_DIVERGENCE'
    ELSE 'NORMAL'
  END AS correlation_type
FROM site_pairs
