-- How many devices does a filter leave? One row. Without a filter it counts every device.
SELECT count(*) AS total FROM device_state
WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(level)s::text IS NULL OR risk_level = %(level)s)
  AND (%(prefix)s::text IS NULL OR device_id LIKE %(prefix)s)
  AND (%(seen_since)s::timestamptz IS NULL OR last_seen > %(seen_since)s)
  AND (%(seen_until)s::timestamptz IS NULL OR last_seen <= %(seen_until)s)
