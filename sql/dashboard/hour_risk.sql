-- What was the fleet's risk in the last hour? One row: the mean over devices and minutes, the highest, of all sites together.
-- Risks beyond 0 to 1, whose sum could be larger than a number can be, are taken for 0 or 1.
-- Devices without a site are not in it; the overview adds their present risk to the highest.
SELECT sum(least(greatest(mean_risk, 0), 1) * devices) FILTER (WHERE devices > 0)
         / nullif(sum(devices) FILTER (WHERE devices > 0), 0) AS mean, max(max_risk) AS max
FROM site_risk
WHERE window_end > %(since)s
