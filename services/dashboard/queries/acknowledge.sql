-- Acknowledges an alert; an earlier acknowledgement is kept. Affects no row if there is no such alert.
UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, %(now)s), acknowledged_by = coalesce(acknowledged_by, %(actor)s)
WHERE alert_id = %(alert)s
RETURNING alert_id
