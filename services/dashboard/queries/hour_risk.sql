-- What was the fleet's risk in the last hour? One row: the mean over devices and minutes and the maximum, for all sites together.
-- Devices without a site are not included; the overview adds their current risk to the maximum.
-- Risks outside 0 to 1, which no job writes, count as 0 or 1: their sum could exceed what a number holds.
SELECT sum(least(greatest(mean_risk, 0), 1) * devices) FILTER (WHERE devices > 0)
         / nullif(sum(devices) FILTER (WHERE devices > 0), 0) AS mean, max(max_risk) AS max
FROM site_risk
WHERE window_end > %(since)s
