-- The outbox of `./fire notify`: one row per transition of an alert and channel that must hear of it. A row is written before
-- the transition counts as read, and says at any time what became of it: attempts, the last failure, when it was delivered.
-- Times come from the notifier's clock; claimed_until is when a claim of a notifier that died is void.
CREATE TABLE notifications (
    channel         text        NOT NULL,
    idempotency_key text        NOT NULL,
    sequence        bigint      GENERATED ALWAYS AS IDENTITY,
    alert_id        text        NOT NULL,
    transition      text        NOT NULL,
    level           text        NOT NULL,
    subject         text        NOT NULL,
    site_id         text,
    alert           json        NOT NULL,
    is_urgent       boolean     NOT NULL,
    state           text        NOT NULL DEFAULT 'PENDING',
    attempts        integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    max_age         interval    NOT NULL,
    due_at          timestamptz NOT NULL,
    give_up_at      timestamptz NOT NULL,
    claimed_until   timestamptz,
    delivered_at    timestamptz,
    last_error      text,
    PRIMARY KEY (channel, idempotency_key),
    CONSTRAINT notifications_have_a_known_state CHECK (state IN ('PENDING', 'DELIVERED', 'PARKED'))
);
CREATE INDEX notifications_waiting ON notifications (channel, is_urgent DESC, sequence) WHERE state = 'PENDING';
CREATE INDEX notifications_by_alert ON notifications (channel, alert_id, sequence);
CREATE INDEX notifications_by_time ON notifications (created_at);

-- Deletes what was delivered or parked `days` ago or earlier; what is pending stays.
CREATE FUNCTION fire_expire_notifications(days integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'days is %; keep notifications for at least 1 day', days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM notifications WHERE created_at < now() - make_interval(days => days) AND state <> 'PENDING';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
