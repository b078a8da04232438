-- What is the latest risk of a site? One row, or none if no minute of the site was ever stored.
SELECT site_risk, risk_level, devices, devices_high AS at_risk, mean_risk, max_risk, window_end FROM site_risk
WHERE site_id = %(site)s ORDER BY window_end DESC LIMIT 1
