-- Which devices match the filters? One page, riskiest first; a filter that is null matches everything.
-- The page starts after the device that `risk` and `device` identify.
SELECT device_id, site_id, last_seen, risk_level, risk_score, last_temperature, last_arc_count, status_bits, total_alarms,
       (SELECT count(*) FROM alerts WHERE subject = device_id
          AND state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)) AS open_alerts
FROM device_state
WHERE (%(site)s::text IS NULL OR site_id = %(site)s) AND (%(level)s::text IS NULL OR risk_level = %(level)s)
  AND (%(prefix)s::text IS NULL OR device_id LIKE %(prefix)s)
  AND (%(seen_since)s::timestamptz IS NULL OR last_seen > %(seen_since)s)
  AND (%(seen_until)s::timestamptz IS NULL OR last_seen <= %(seen_until)s)
  AND (%(risk)s::double precision IS NULL
       OR (risk_score <= %(risk)s AND (risk_score < %(risk)s OR device_id > %(device)s)))
ORDER BY risk_score DESC, device_id LIMIT %(limit)s
