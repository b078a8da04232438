-- Cancels the escalations of a channel that are due although somebody has acknowledged or resolved the alert, or it has cleared.
-- An alert that the store has not written yet counts as unacknowledged. A transition after a resolution opens the alert again.
UPDATE notifications AS escalation SET state = 'CANCELLED', claimed_until = NULL
WHERE channel = %(channel)s AND state = 'PENDING' AND escalated_from IS NOT NULL AND due_at <= %(now)s
    AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    AND EXISTS (
        SELECT FROM alerts
        WHERE alerts.alert_id = escalation.alert_id
            AND (acknowledged_at IS NOT NULL OR alerts.state = 'CLEARED'
                OR (resolved_at IS NOT NULL AND event_time <= resolved_at)))
