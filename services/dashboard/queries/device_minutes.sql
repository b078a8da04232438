-- What did a device measure in each minute since a time? One row per minute with readings, oldest first.
-- device_minutes has no voltage; the last one of each minute is looked up in readings, one index probe per minute.
SELECT minute_end, max_temperature AS temperature, risk_score AS risk, total_arcs AS arcs, avg_current AS current,
       avg_co_gas AS co, avg_voc AS voc, last.voltage
FROM device_minutes AS minute LEFT JOIN LATERAL (
    SELECT voltage FROM readings
    WHERE device_id = minute.device_id AND event_time >= minute.minute_start AND event_time < minute.minute_end
    ORDER BY event_time DESC LIMIT 1) AS last ON true
WHERE minute.device_id = %(device)s AND minute_end > %(since)s AND minute_end <= %(until)s
ORDER BY minute_end
