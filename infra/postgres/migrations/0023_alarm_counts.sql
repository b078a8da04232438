-- The newest reading of every device, kept by the database from the rows that `readings` truly gains. The sum of a device's
-- alarms ends at the largest number that its column holds: rows whose counts are beyond reason must not stop the store job.
CREATE OR REPLACE FUNCTION fire_follow_devices() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    most CONSTANT bigint := 9223372036854775807;
BEGIN
    -- Devices are visited in one order, so that two writers wait for each other instead of deadlocking.
    INSERT INTO device_state AS kept (device_id, site_id, last_seen, last_idx, risk_level, risk_score, last_temperature,
                                      last_arc_count, status_bits, total_alarms, updated_at)
    SELECT DISTINCT ON (device_id) device_id, site_id, event_time, idx, risk_level, risk_score, max_temperature,
           arc_count, status_bits, least(sum(greatest(total_alarm_count, 0)) OVER (PARTITION BY device_id), most)::bigint, now()
    FROM new_readings
    ORDER BY device_id, event_time DESC, idx DESC
    ON CONFLICT (device_id) DO UPDATE SET
        total_alarms = least(kept.total_alarms::numeric + EXCLUDED.total_alarms, most)::bigint,
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
