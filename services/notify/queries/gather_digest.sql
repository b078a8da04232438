-- Makes one delivery of all transitions of a channel whose digest is due: the last one of each alert, unless people have heard of
-- that alert in another delivery.
WITH due AS (
    UPDATE notifications SET state = 'IN_DIGEST'
    WHERE channel = %(channel)s AND state = 'FOR_DIGEST' AND due_at <= %(now)s
    RETURNING *
),
last AS (
    SELECT DISTINCT ON (alert_id) *
    FROM due
    WHERE NOT EXISTS (
        SELECT FROM notifications AS told
        WHERE told.channel = due.channel AND told.alert_id = due.alert_id
            AND told.state NOT IN ('FOR_DIGEST', 'IN_DIGEST', 'CANCELLED'))
    ORDER BY alert_id, sequence DESC
),
digest AS (
    SELECT channel, 'digest-' || min(sequence) AS id, max(level) AS level, max(max_age) AS max_age,
        json_agg(json_build_object('alert', alert, 'place', place) ORDER BY sequence) AS alerts
    FROM last
    GROUP BY channel
)
INSERT INTO notifications (channel, idempotency_key, alert_id, transition, level, subject, alert, is_urgent, created_at, max_age,
                           planned_at, due_at, give_up_at)
SELECT channel, id, id, 'DIGEST', level, channel,
    json_build_object('alert_id', id, 'transition', 'DIGEST', 'level', level, 'subject', channel, 'event_time', %(event_time)s::text,
                      'digest', alerts),
    false, %(now)s, max_age, %(now)s, %(now)s, %(now)s::timestamptz + max_age
FROM digest
