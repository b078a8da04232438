-- Does a site exist? One row if it has a device or if a minute of it was stored.
SELECT 1 AS known WHERE EXISTS (SELECT FROM device_state WHERE site_id = %(site)s)
    OR EXISTS (SELECT FROM site_risk WHERE site_id = %(site)s) OR EXISTS (SELECT FROM alerts WHERE site_id = %(site)s)
