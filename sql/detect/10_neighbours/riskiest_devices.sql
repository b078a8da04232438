-- Which devices of a site are compared with each other? The ${PAIRED_DEVICES} riskiest per site and minute, in the order of their
-- ids if equally risky. Window Top-N, which bounds the pairs of a site on fire to ${PAIRED_DEVICES} * (${PAIRED_DEVICES} - 1) / 2
-- per minute.
CREATE TEMPORARY VIEW riskiest_devices AS
SELECT site_id, device_id, window_start, window_end, window_time, max_temperature, risk_score
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY window_start, window_end, site_id ORDER BY risk_score DESC, device_id ASC) AS risk_rank
  FROM site_devices
)
WHERE risk_rank <= ${PAIRED_DEVICES}
