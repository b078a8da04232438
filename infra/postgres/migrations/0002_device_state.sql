-- The newest reading of every device, kept by the database from the rows that `readings` truly gains: a redelivered
-- reading is an update there, so it is not in the transition table and never counts twice.

CREATE TABLE device_state (
    device_id        text        PRIMARY KEY,
    site_id          text,
    last_seen        timestamptz NOT NULL,
    last_idx         bigint      NOT NULL,
    risk_level       text        NOT NULL,
    risk_score       double precision NOT NULL,
    last_temperature double precision,
    last_arc_count   bigint,
    status_bits      bigint,
    total_alarms     bigint      NOT NULL,
    updated_at       timestamptz NOT NULL
);
CREATE INDEX device_state_by_site ON device_state (site_id, device_id);
CREATE INDEX device_state_by_risk ON device_state (risk_score DESC);

-- Devices are visited in one order, so that two writers wait for each other instead of deadlocking.
CREATE FUNCTION fire_follow_devices() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO device_state AS kept (device_id, site_id, last_seen, last_idx, risk_level, risk_score, last_temperature,
                                      last_arc_count, status_bits, total_alarms, updated_at)
    SELECT DISTINCT ON (device_id) device_id, site_id, event_time, idx, risk_level, risk_score, max_temperature,
           arc_count, status_bits, (sum(coalesce(total_alarm_count, 0)) OVER (PARTITION BY device_id))::bigint, now()
    FROM new_readings
    ORDER BY device_id, event_time DESC, idx DESC
    ON CONFLICT (device_id) DO UPDATE SET
        total_alarms = kept.total_alarms + EXCLUDED.total_alarms,
        updated_at = EXCLUDED.updated_at,
        (site_id, last_seen, last_idx, risk_level, risk_score, last_temperature, last_arc_count, status_bits) = (
            SELECT known.* FROM (VALUES
                (EXCLUDED.site_id, EXCLUDED.last_seen, EXCLUDED.last_idx, EXCLUDED.risk_level, EXCLUDED.risk_score,
                 EXCLUDED.last_temperature, EXCLUDED.last_arc_count, EXCLUDED.status_bits),
                (kept.site_id, kept.last_seen, kept.last_idx, kept.risk_level, kept.risk_score,
                 kept.last_temperature, kept.last_arc_count, kept.status_bits)
            ) AS known (site_id, last_seen, last_idx, risk_level, risk_score, last_temperature, last_arc_count, status_bits)
            ORDER BY last_seen DESC, last_idx DESC LIMIT 1);
    RETURN NULL;
END
$$;

CREATE TRIGGER readings_move_device_state AFTER INSERT ON readings
    REFERENCING NEW TABLE AS new_readings FOR EACH STATEMENT EXECUTE FUNCTION fire_follow_devices();
