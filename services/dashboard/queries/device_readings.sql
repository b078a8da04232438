-- What did a device send last? Its newest readings with every field.
SELECT * FROM readings WHERE device_id = %(device)s AND event_time > %(since)s
ORDER BY event_time DESC, idx DESC LIMIT %(limit)s
