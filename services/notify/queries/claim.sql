-- Claims the most urgent due delivery of a channel for one attempt and counts the attempt. A later transition of an alert is
-- not claimed while an earlier one is pending, unless that is an escalation; a delivery that another notifier is claiming at the
-- moment is skipped.
WITH next AS (
    SELECT channel, idempotency_key
    FROM notifications AS candidate
    WHERE channel = %(channel)s AND state = 'PENDING' AND due_at <= %(now)s
        AND (claimed_until IS NULL OR claimed_until <= %(now)s)
        AND NOT EXISTS (
            SELECT FROM notifications AS earlier
            WHERE earlier.channel = candidate.channel AND earlier.alert_id = candidate.alert_id
                AND earlier.sequence < candidate.sequence AND earlier.state = 'PENDING' AND earlier.escalated_from IS NULL)
    ORDER BY is_urgent DESC, sequence
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE notifications AS claimed SET attempts = claimed.attempts + 1, claimed_until = %(until)s
FROM next
WHERE claimed.channel = next.channel AND claimed.idempotency_key = next.idempotency_key
RETURNING claimed.idempotency_key, claimed.attempts, claimed.give_up_at, claimed.alert, claimed.place, claimed.escalated_from
