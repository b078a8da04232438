-- Adds a delivery unless it exists. Because the transitions of an alert stay in order, a critical one makes the alert's pending
-- deliveries on the channel urgent and due at once, even if they wait after a failed attempt.
WITH added AS (
    INSERT INTO notifications (channel, idempotency_key, alert_id, transition, level, subject, site_id, alert, is_urgent,
                               created_at, max_age, due_at, give_up_at)
    VALUES (%(channel)s, %(key)s, %(alert_id)s, %(transition)s, %(level)s, %(subject)s, %(site_id)s, %(alert)s::json,
            %(is_urgent)s, %(now)s, %(max_age)s, %(now)s, %(now)s::timestamptz + %(max_age)s)
    ON CONFLICT (channel, idempotency_key) DO NOTHING
    RETURNING channel, alert_id, is_urgent, due_at
)
UPDATE notifications AS earlier SET is_urgent = true, due_at = least(earlier.due_at, added.due_at)
FROM added
WHERE added.is_urgent AND earlier.channel = added.channel AND earlier.alert_id = added.alert_id
    AND earlier.state = 'PENDING'
