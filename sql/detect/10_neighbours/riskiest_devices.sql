-- Which devices of a site are compared with all of its others? One row per site, minute and device at risk, of at most
-- ${PAIRED_DEVICES} devices: the riskiest, in the order of their ids if equally risky.
-- Window Top-N, joined in its window with the number of devices at risk, of which devices_left_out are not compared.
CREATE TEMPORARY VIEW riskiest_devices AS
SELECT
  a.site_id,
  a.device_id,
  a.window_start,
  a.window_end,
  a.max_temperature,
  a.risk_score,
  GREATEST(s.devices_at_risk - ${PAIRED_DEVICES}, 0) AS devices_left_out
FROM (
  SELECT site_id, device_id, window_start, window_end, max_temperature, risk_score
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY window_start, window_end, site_id ORDER BY risk_score DESC, device_id ASC) AS risk_rank
    FROM site_devices
    WHERE risk_score > ${PAIR_RISK}
  )
  WHERE risk_rank <= ${PAIRED_DEVICES}
) AS a
JOIN site_windows AS s
  ON a.window_start = s.window_start AND a.window_end = s.window_end AND a.site_id = s.site_id
