-- How many devices match the filters? One row. Without a filter it counts all devices.
SELECT count(*) AS total FROM device_state
WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(level)s::text IS NULL OR risk_level = %(level)s)
  AND (%(prefix)s::text IS NULL OR device_id LIKE %(prefix)s)
  AND (%(seen_since)s::timestamptz IS NULL OR last_seen > %(seen_since)s)
  AND (%(seen_until)s::timestamptz IS NULL OR last_seen <= %(seen_until)s)
