-- What did a device send last? One row per reading with all its fields, newest first.
SELECT * FROM readings WHERE device_id = %(device)s AND event_time > %(since)s
ORDER BY event_time DESC, idx DESC LIMIT %(limit)s
