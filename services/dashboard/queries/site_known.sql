-- Is there such a site? One row if a device stands there or a minute of it was stored.
SELECT 1 AS known WHERE EXISTS (SELECT FROM device_state WHERE site_id = %(site)s)
    OR EXISTS (SELECT FROM site_risk WHERE site_id = %(site)s) OR EXISTS (SELECT FROM alerts WHERE site_id = %(site)s)
