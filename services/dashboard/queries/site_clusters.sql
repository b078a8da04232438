-- In which minutes were several devices of a site at risk together? One row per minute, newest first.
SELECT window_start, window_end, devices, devices_high AS at_risk, mean_risk, max_risk, site_risk, risk_level FROM site_risk
WHERE site_id = %(site)s AND window_end > %(since)s AND devices_high >= %(least)s
ORDER BY window_end DESC LIMIT %(limit)s
