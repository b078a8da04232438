-- What was the fleet's risk in the last hour? One row: the mean over devices and minutes and the maximum, for all sites together.
-- Devices without a site are not included; the overview adds their current risk to the maximum.
SELECT sum(mean_risk * devices) / nullif(sum(devices), 0) AS mean, max(max_risk) AS max
FROM site_risk
WHERE window_end > %(since)s
