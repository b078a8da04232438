-- What is the state of a device? One row, or none if it never reported.
SELECT device_id, site_id, last_seen, risk_level, risk_score, last_temperature, last_arc_count, status_bits, total_alarms,
       (SELECT count(*) FROM alerts WHERE subject = device_id
          AND state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at)) AS open_alerts
FROM device_state WHERE device_id = %(device)s
