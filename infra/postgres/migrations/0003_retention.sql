-- How long rows stay. Readings leave a day at a time, by dropping a partition; the smaller tables by DELETE.

-- The days (UTC) of `readings` that have a partition of their own.
CREATE VIEW reading_days AS
SELECT to_date(right(child.relname, 8), 'YYYYMMDD') AS day, child.relname::text AS partition_name
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'readings'::regclass AND child.relname ~ '^readings_[0-9]{8}$';

-- Gives `readings` one more day. Rows that the default partition took meanwhile move there; they are no new readings,
-- so they go in before the day is attached, where the device state's trigger does not see them.
-- The parent is locked first, as every reader and writer does: nobody can hold one partition and wait for another, so
-- there is no deadlock. Writers wait for this to end; this waits for a writer for 5 s at most (the store job's socket
-- timeout is 10 s), then gives up unchanged and is to be called again.
CREATE FUNCTION fire_add_reading_day(day date) RETURNS bigint
LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    name  text := 'readings_' || to_char(day, 'YYYYMMDD');
    first timestamptz := day;
    ahead timestamptz := day + 1;
    moved bigint;
BEGIN
    LOCK TABLE ONLY readings IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE readings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('WITH gone AS (DELETE FROM readings_default WHERE event_time >= %L AND event_time < %L RETURNING *)
                    INSERT INTO %I SELECT * FROM gone', first, ahead, name);
    GET DIAGNOSTICS moved = ROW_COUNT;
    EXECUTE format('ALTER TABLE readings ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first, ahead);
    RETURN moved;
END
$$;

-- Adds the missing days from yesterday to `ahead_days` from now, drops the days that ended `retention_days` ago, and
-- deletes rows as old from the default partition.
-- Locks only when something must change, and then in the same order and with the same patience.
CREATE FUNCTION fire_maintain_partitions(retention_days integer, ahead_days integer DEFAULT 7)
RETURNS TABLE (days_added bigint, rows_moved bigint, days_dropped bigint, rows_deleted bigint)
LANGUAGE plpgsql SET timezone = 'UTC' SET lock_timeout = '5s' AS $$
DECLARE
    today   date := current_date;
    oldest  date := today - retention_days;
    missing date[];
    old     text;
BEGIN
    IF retention_days < 1 OR ahead_days < 0 THEN
        RAISE EXCEPTION 'retention_days is % and ahead_days is %; keep at least 1 day and look 0 days or more ahead',
            retention_days, ahead_days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(wanted::date) INTO missing
    FROM generate_series(today - 1, today + ahead_days, interval '1 day') AS wanted
    WHERE wanted::date NOT IN (SELECT day FROM reading_days);
    days_added := coalesce(cardinality(missing), 0);
    SELECT count(*) INTO days_dropped FROM reading_days WHERE day < oldest;
    rows_moved := 0;
    rows_deleted := 0;
    IF days_added + days_dropped > 0 OR EXISTS (SELECT FROM readings_default WHERE event_time < oldest) THEN
        LOCK TABLE ONLY readings IN ACCESS EXCLUSIVE MODE;
        DELETE FROM readings_default WHERE event_time < oldest;
        GET DIAGNOSTICS rows_deleted = ROW_COUNT;
        FOR old IN SELECT partition_name FROM reading_days WHERE day < oldest LOOP
            EXECUTE format('DROP TABLE %I', old);
        END LOOP;
        SELECT coalesce(sum(fire_add_reading_day(day)), 0) INTO rows_moved FROM unnest(missing) AS day;
    END IF;
    RETURN NEXT;
END
$$;

-- Deletes results that are `days` old. An alert that is neither cleared nor resolved stays, whatever its age, and with
-- it its history: no data is not an all-clear.
CREATE FUNCTION fire_expire_results(days integer)
RETURNS TABLE (minutes_deleted bigint, aggregates_deleted bigint, alerts_deleted bigint, transitions_deleted bigint,
               refusals_deleted bigint)
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    oldest timestamptz := now() - make_interval(days => days);
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'days is %; keep results for at least 1 day', days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM device_minutes WHERE minute_end < oldest;
    GET DIAGNOSTICS minutes_deleted = ROW_COUNT;
    DELETE FROM device_5min_aggregates WHERE window_end < oldest;
    GET DIAGNOSTICS aggregates_deleted = ROW_COUNT;
    DELETE FROM alerts WHERE event_time < oldest AND (state = 'CLEARED' OR resolved_at IS NOT NULL);
    GET DIAGNOSTICS alerts_deleted = ROW_COUNT;
    DELETE FROM alert_transitions AS past
    WHERE event_time < oldest AND NOT EXISTS (SELECT FROM alerts WHERE alerts.alert_id = past.alert_id);
    GET DIAGNOSTICS transitions_deleted = ROW_COUNT;
    DELETE FROM store_refusals WHERE refused_at < oldest;
    GET DIAGNOSTICS refusals_deleted = ROW_COUNT;
    RETURN NEXT;
END
$$;
