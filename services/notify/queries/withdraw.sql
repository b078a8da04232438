-- Cancels the escalations of an alert that has ended, on all channels, unless an attempt is under way.
UPDATE notifications SET state = 'CANCELLED'
WHERE alert_id = %(alert_id)s AND escalated_from IS NOT NULL AND state = 'PENDING'
    AND (claimed_until IS NULL OR claimed_until <= %(now)s)
