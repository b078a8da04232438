-- A device's minutes since a time, in order, with the last voltage of each minute; a minute without readings has no row.
-- Minutes hold no voltage: it is looked up reading by reading, one probe of the key a minute.
SELECT minute_end, max_temperature AS temperature, risk_score AS risk, total_arcs AS arcs, avg_current AS current,
       avg_co_gas AS co, avg_voc AS voc, last.voltage
FROM device_minutes AS minute LEFT JOIN LATERAL (
    SELECT voltage FROM readings
    WHERE device_id = minute.device_id AND event_time >= minute.minute_start AND event_time < minute.minute_end
    ORDER BY event_time DESC LIMIT 1) AS last ON true
WHERE minute.device_id = %(device)s AND minute_end > %(since)s AND minute_end <= %(until)s
ORDER BY minute_end
