-- How does each pair of neighbours compare? One row per minute and pair of a site's devices, one of them at risk.
-- Adds the type of correlation to site_pairs.
CREATE TEMPORARY VIEW device_correlations AS
SELECT
  site_id,
  window_start,
  window_end,
  device1,
  device2,
  temp_diff,
  risk_diff,
  avg_risk,
  CASE
    WHEN is_cluster THEN 'HIGH_RISK_CLUSTER'
    WHEN temp_diff > ${DIVERGENCE_C} THEN 'TEMP_DIVERGENCE'
    ELSE 'NORMAL'
  END AS correlation_type,
  devices_left_out
FROM site_pairs
