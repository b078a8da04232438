-- A notification is fixed with its place when it enters the outbox; it may wait for a quiet time to end (planned_at), for nobody
-- to acknowledge its alert (escalated_from is the channel that told people first), or for a channel's digest.
ALTER TABLE notifications
    ADD COLUMN place          json,
    ADD COLUMN planned_at     timestamptz,
    ADD COLUMN escalated_from text,
    DROP CONSTRAINT notifications_have_a_known_state,
    ADD CONSTRAINT notifications_have_a_known_state
        CHECK (state IN ('PENDING', 'DELIVERED', 'PARKED', 'CANCELLED', 'FOR_DIGEST', 'IN_DIGEST'));
CREATE INDEX notifications_escalating ON notifications (alert_id) WHERE escalated_from IS NOT NULL AND state = 'PENDING';
CREATE INDEX notifications_for_digest ON notifications (channel, due_at) WHERE state = 'FOR_DIGEST';
COMMENT ON COLUMN notifications.place IS 'The place of the alert as the registry knew it.';
COMMENT ON COLUMN notifications.planned_at IS 'When the first attempt was due; null in rows of earlier versions, where it was created_at.';
COMMENT ON COLUMN notifications.escalated_from IS 'The channel that told people first, if this delivery is only for when nobody acknowledges.';

-- Deletes what has ended `days` ago or earlier; what is pending or waits for a digest stays.
CREATE OR REPLACE FUNCTION fire_expire_notifications(days integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'days is %; keep notifications for at least 1 day', days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM notifications WHERE created_at < now() - make_interval(days => days) AND state NOT IN ('PENDING', 'FOR_DIGEST');
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION fire_expire_notifications(integer) IS 'Deletes what has ended days ago or earlier; what is pending or waits for a digest stays.';
