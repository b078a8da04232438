-- Adds a delivery unless it exists; one that only follows an escalation, unless the channel has not been escalated to. Because
-- the transitions of an alert stay in order, a critical one that is due now makes the alert's pending deliveries on the channel
-- urgent and due at once, even if they wait after a failed attempt or for the end of a quiet time; escalations go on waiting.
WITH added AS (
    INSERT INTO notifications (channel, idempotency_key, alert_id, transition, level, subject, site_id, alert, place, is_urgent,
                               state, escalated_from, created_at, max_age, planned_at, due_at, give_up_at)
    SELECT %(channel)s, %(key)s, %(alert_id)s, %(transition)s, %(level)s, %(subject)s, %(site_id)s, %(alert)s::json,
        %(place)s::json, %(is_urgent)s, %(state)s, %(escalated_from)s::text, %(now)s, %(max_age)s, %(due_at)s, %(due_at)s,
        %(due_at)s::timestamptz + %(max_age)s
    WHERE NOT %(follows)s OR EXISTS (
        SELECT FROM notifications AS earlier
        WHERE earlier.channel = %(channel)s AND earlier.alert_id = %(alert_id)s AND earlier.escalated_from IS NOT NULL
            AND (earlier.state IN ('DELIVERED', 'PARKED') OR earlier.attempts > 0))
    ON CONFLICT (channel, idempotency_key) DO NOTHING
    RETURNING channel, alert_id, is_urgent, due_at, escalated_from, created_at
)
UPDATE notifications AS earlier SET is_urgent = true, due_at = least(earlier.due_at, added.due_at)
FROM added
WHERE added.is_urgent AND added.escalated_from IS NULL AND added.due_at = added.created_at
    AND earlier.channel = added.channel AND earlier.alert_id = added.alert_id
    AND earlier.state = 'PENDING' AND earlier.escalated_from IS NULL
