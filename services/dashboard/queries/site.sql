-- What is a site's newest risk? One row, none for a site that no minute was ever stored of.
SELECT site_risk, risk_level, devices, devices_high AS at_risk, mean_risk, max_risk, window_end FROM site_risk
WHERE site_id = %(site)s ORDER BY window_end DESC LIMIT 1
