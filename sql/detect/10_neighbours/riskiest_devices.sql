-- Which devices of a site are worth comparing? At most ${PAIRED_DEVICES} per site and minute: the riskiest, by name where equal.
-- Window Top-N: it bounds the pairs of a site on fire to ${PAIRED_DEVICES} * (${PAIRED_DEVICES} - 1) / 2 rows a minute.
CREATE TEMPORARY VIEW riskiest_devices AS
SELECT site_id, device_id, window_start, window_end, window_time, max_temperature, risk_score
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY window_start, window_end, site_id ORDER BY risk_score DESC, device_id ASC) AS place
  FROM site_devices
)
WHERE place <= ${PAIRED_DEVICES}
