-- The schema of the results database in one piece, to read. `python -m infra.postgres.migrate --dump` writes it from what the
-- migrations make on a real server, and a test compares the two. Run it again after a new migration.

SET check_function_bodies = false;

CREATE FUNCTION fire_add_reading_day(day date) RETURNS bigint
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $$
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

COMMENT ON FUNCTION fire_add_reading_day(day date) IS 'Gives readings one more day. Rows that the default partition took meanwhile move there before the day is attached, where the device state''s trigger does not see them. The parent is locked first, as every reader and writer does, so there is no deadlock; this waits for a writer for 5 s at most, then gives up unchanged.';

CREATE FUNCTION fire_alert_stage(state text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state WHEN 'UPDATED' THEN -1 WHEN 'OPENED' THEN 0 WHEN 'CLEARED' THEN 2 ELSE 1 END
$$;

COMMENT ON FUNCTION fire_alert_stage(state text) IS 'How far an alert''s life has come. UPDATED is a row without a transition; it lies behind all.';

CREATE FUNCTION fire_expire_notifications(days integer) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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

COMMENT ON FUNCTION fire_expire_notifications(days integer) IS 'Deletes what has ended days ago or earlier; what is pending or waits for a digest stays.';

CREATE FUNCTION fire_expire_results(days integer) RETURNS TABLE(minutes_deleted bigint, aggregates_deleted bigint, alerts_deleted bigint, transitions_deleted bigint, refusals_deleted bigint)
    LANGUAGE plpgsql
    SET lock_timeout TO '5s'
    AS $_$
DECLARE
    oldest  timestamptz := now() - make_interval(days => days);
    kept    result_retention;
    deleted bigint;
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'days is %; keep results for at least 1 day', days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM device_minutes WHERE minute_end < oldest;
    GET DIAGNOSTICS minutes_deleted = ROW_COUNT;
    aggregates_deleted := 0;
    FOR kept IN SELECT * FROM result_retention ORDER BY result LOOP
        EXECUTE format('DELETE FROM %I WHERE %I < now() - make_interval(days => $1)', kept.result, kept.time_column)
        USING least(days, kept.days);
        GET DIAGNOSTICS deleted = ROW_COUNT;
        aggregates_deleted := aggregates_deleted + deleted;
    END LOOP;
    DELETE FROM alerts WHERE event_time < oldest AND (state = 'CLEARED' OR resolved_at IS NOT NULL);
    GET DIAGNOSTICS alerts_deleted = ROW_COUNT;
    DELETE FROM alert_transitions AS past
    WHERE event_time < oldest AND NOT EXISTS (SELECT FROM alerts WHERE alerts.alert_id = past.alert_id);
    GET DIAGNOSTICS transitions_deleted = ROW_COUNT;
    DELETE FROM store_refusals WHERE refused_at < oldest;
    GET DIAGNOSTICS refusals_deleted = ROW_COUNT;
    DELETE FROM dead_letters WHERE received_at < oldest;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    refusals_deleted := refusals_deleted + deleted;
    RETURN NEXT;
END
$_$;

COMMENT ON FUNCTION fire_expire_results(days integer) IS 'Deletes results that are days old, windows'' results after their own days if those are fewer. An alert that is neither cleared nor resolved stays, whatever its age, and with it its history: no data is not an all-clear.';

CREATE FUNCTION fire_follow_devices() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

COMMENT ON FUNCTION fire_follow_devices() IS 'Brings device_state up to date with the readings of one statement.';

CREATE FUNCTION fire_higher_level(one text, other text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT level FROM unnest(ARRAY[one, other]) AS level
    ORDER BY array_position(ARRAY['NORMAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'], level) DESC NULLS LAST LIMIT 1
$$;

COMMENT ON FUNCTION fire_higher_level(one text, other text) IS 'The worse of two levels.';

CREATE FUNCTION fire_level_rank(level text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE level WHEN 'CRITICAL' THEN 4 WHEN 'HIGH' THEN 3 WHEN 'MEDIUM' THEN 2 WHEN 'LOW' THEN 1 ELSE 0 END
$$;

COMMENT ON FUNCTION fire_level_rank(level text) IS 'The order of levels, the worst the highest.';

CREATE FUNCTION fire_maintain_partitions(retention_days integer, ahead_days integer DEFAULT 7) RETURNS TABLE(days_added bigint, rows_moved bigint, days_dropped bigint, rows_deleted bigint)
    LANGUAGE plpgsql
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '5s'
    AS $$
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

COMMENT ON FUNCTION fire_maintain_partitions(retention_days integer, ahead_days integer) IS 'Adds the missing days from yesterday to ahead_days from now, drops the days that ended retention_days ago, and deletes rows as old from the default partition. Locks only when something must change.';

CREATE FUNCTION fire_merge_alert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    merged alerts := NEW;
BEGIN
    IF fire_alert_stage(NEW.state) < fire_alert_stage(OLD.state) THEN
        merged := OLD;
    END IF;
    merged.level := fire_higher_level(OLD.level, NEW.level);
    merged.peak_level := fire_higher_level(OLD.peak_level, NEW.peak_level);
    merged.peak_risk_score := greatest(OLD.peak_risk_score, NEW.peak_risk_score);
    merged.candidate_count := greatest(OLD.candidate_count, NEW.candidate_count);
    merged.last_candidate_at := greatest(OLD.last_candidate_at, NEW.last_candidate_at);
    merged.reminded_at := greatest(OLD.reminded_at, NEW.reminded_at);
    RETURN merged;
END
$$;

COMMENT ON FUNCTION fire_merge_alert() IS 'The life of an alert only goes forward, whatever is delivered again and in whichever order: a row that lies behind what is known brings nothing but counts and peaks, and those never fall.';

CREATE FUNCTION fire_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is a trail: rows are added and never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

COMMENT ON FUNCTION fire_refuse_change() IS 'Refuses to change or delete rows of a trail.';

CREATE FUNCTION fire_register_devices(present text, devices jsonb) RETURNS TABLE(devices_registered bigint, devices_removed bigint)
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO device_registry AS kept (device_id, site_id, zone, profile, limits, version)
    SELECT each.device_id, each.site_id, each.zone, each.profile, each.limits, present
    FROM jsonb_to_recordset(devices) AS each (device_id text, site_id text, zone text, profile text, limits jsonb)
    ORDER BY each.device_id
    ON CONFLICT (device_id) DO UPDATE SET site_id = EXCLUDED.site_id, zone = EXCLUDED.zone, profile = EXCLUDED.profile,
        limits = EXCLUDED.limits, version = EXCLUDED.version, updated_at = now(), removed_at = NULL
    WHERE (kept.site_id, kept.zone, kept.profile, kept.limits, kept.version, kept.removed_at)
        IS DISTINCT FROM (EXCLUDED.site_id, EXCLUDED.zone, EXCLUDED.profile, EXCLUDED.limits, EXCLUDED.version, NULL);
    GET DIAGNOSTICS devices_registered = ROW_COUNT;
    UPDATE device_registry AS kept SET removed_at = now()
    WHERE removed_at IS NULL AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(devices) AS each (device_id text) WHERE each.device_id = kept.device_id);
    GET DIAGNOSTICS devices_removed = ROW_COUNT;
    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION fire_register_devices(present text, devices jsonb) IS 'Makes device_registry say what one version of the registry says; devices that it does not list are marked as removed.';

CREATE TABLE alert_transitions (
    alert_id text NOT NULL,
    transition text NOT NULL,
    level text NOT NULL,
    schema_version integer NOT NULL,
    subject text NOT NULL,
    site_id text,
    alert_type text NOT NULL,
    peak_level text,
    risk_score double precision,
    peak_risk_score double precision,
    candidate_count bigint,
    base_risk double precision,
    floor_risk double precision,
    rule_risk double precision,
    status_risk double precision,
    pattern_risk double precision,
    confidence double precision,
    explanation jsonb,
    max_temperature double precision,
    voltage double precision,
    current double precision,
    leakage_current double precision,
    resistive_leakage double precision,
    arc_count bigint,
    co_gas double precision,
    voc double precision,
    status_bits bigint,
    event_time timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    last_candidate_at timestamp with time zone,
    message_ko text,
    message_en text,
    recommendations_ko jsonb,
    recommendations_en jsonb,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    occasion timestamp with time zone NOT NULL,
    subject_kind text,
    cause text,
    last_seen timestamp with time zone,
    was_held boolean,
    profile_version text,
    power_factor double precision,
    device_names text
);

COMMENT ON TABLE alert_transitions IS 'What happened to an alert, one row per transition, as on the topic. occasion tells reminders apart: it is their time, and for every other transition the time when the alert opened.';

CREATE TABLE alerts (
    alert_id text NOT NULL,
    schema_version integer NOT NULL,
    state text NOT NULL,
    subject text NOT NULL,
    site_id text,
    alert_type text NOT NULL,
    level text NOT NULL,
    peak_level text,
    risk_score double precision,
    peak_risk_score double precision,
    candidate_count bigint,
    base_risk double precision,
    floor_risk double precision,
    rule_risk double precision,
    status_risk double precision,
    pattern_risk double precision,
    confidence double precision,
    explanation jsonb,
    max_temperature double precision,
    voltage double precision,
    current double precision,
    leakage_current double precision,
    resistive_leakage double precision,
    arc_count bigint,
    co_gas double precision,
    voc double precision,
    status_bits bigint,
    event_time timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    last_candidate_at timestamp with time zone,
    cleared_at timestamp with time zone,
    message_ko text,
    message_en text,
    recommendations_ko jsonb,
    recommendations_en jsonb,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    resolved_at timestamp with time zone,
    resolved_by text,
    resolution text,
    note text,
    note_at timestamp with time zone,
    subject_kind text,
    cause text,
    last_seen timestamp with time zone,
    was_held boolean,
    profile_version text,
    reminded_at timestamp with time zone,
    power_factor double precision,
    device_names text,
    CONSTRAINT alerts_acknowledged_by_somebody CHECK (((acknowledged_at IS NULL) = (acknowledged_by IS NULL))),
    CONSTRAINT alerts_resolved_by_somebody CHECK (((resolved_at IS NULL) = (resolved_by IS NULL)))
);

COMMENT ON TABLE alerts IS 'An alert as its transitions and updates left it. acknowledged_at to note_at belong to people: the job never names them.';

CREATE TABLE arc_patterns (
    device_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    window_start timestamp with time zone NOT NULL,
    total_arcs_10min bigint,
    arc_events bigint,
    max_single_arc bigint,
    avg_arc_per_event double precision,
    arc_pattern text
);

COMMENT ON TABLE arc_patterns IS 'The arcs of a device''s ten minutes, one row per minute.';

CREATE TABLE co_exposure (
    device_id text NOT NULL,
    minute_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    avg_co_10min double precision,
    minutes_10min bigint,
    avg_co_60min double precision,
    minutes_60min bigint
);

COMMENT ON TABLE co_exposure IS 'A device''s minute with too much carbon monoxide for too long.';

CREATE TABLE dashboard_actions (
    sequence bigint NOT NULL,
    acted_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL,
    CONSTRAINT dashboard_actions_are_known CHECK ((action = ANY (ARRAY['ACKNOWLEDGED'::text, 'RESOLVED'::text, 'REPLAYED'::text])))
);

COMMENT ON TABLE dashboard_actions IS 'Who did what to an alert or a dead letter, and how it stood then. Kept for ever: it is what the detection is judged by.';

ALTER TABLE dashboard_actions ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dashboard_actions_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE dead_letters (
    source text NOT NULL,
    schema_version integer NOT NULL,
    record_time timestamp with time zone,
    reason text NOT NULL,
    message text,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    replayed_at timestamp with time zone,
    replayed_by text,
    size_bytes bigint,
    sha256 text,
    is_cut boolean,
    CONSTRAINT dead_letters_replayed_by_somebody CHECK (((replayed_at IS NULL) = (replayed_by IS NULL)))
);

COMMENT ON TABLE dead_letters IS 'A message that was refused, as on the topic: message is its bytes in base64. replayed_at and replayed_by belong to people.';

CREATE TABLE device_5min_aggregates (
    device_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    window_start timestamp with time zone NOT NULL,
    avg_temperature double precision,
    max_temperature double precision,
    min_temperature double precision,
    temp_stddev double precision,
    avg_risk_score double precision,
    max_risk_score double precision,
    total_arcs bigint,
    avg_current double precision,
    max_current double precision,
    record_count bigint NOT NULL
);

COMMENT ON TABLE device_5min_aggregates IS 'One row per device and five minutes with readings.';

CREATE TABLE device_correlations (
    site_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    device1 text NOT NULL,
    device2 text NOT NULL,
    schema_version integer NOT NULL,
    window_start timestamp with time zone NOT NULL,
    temp_diff double precision,
    risk_diff double precision,
    avg_risk double precision,
    correlation_type text,
    devices_left_out bigint
);

COMMENT ON TABLE device_correlations IS 'Two devices of a site in one window, one of them at risk.';

CREATE TABLE device_minutes (
    device_id text NOT NULL,
    minute_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    minute_start timestamp with time zone NOT NULL,
    record_count bigint NOT NULL,
    temperature_count bigint,
    temperature_sum double precision,
    temperature_sum_squares double precision,
    avg_temperature double precision,
    max_temperature double precision,
    min_temperature double precision,
    total_arcs bigint,
    arc_events bigint,
    max_arc_count bigint,
    current_count bigint,
    current_sum double precision,
    avg_current double precision,
    max_current double precision,
    avg_co_gas double precision,
    max_co_gas double precision,
    avg_voc double precision,
    max_voc double precision,
    risk_sum double precision,
    max_risk_score double precision,
    max_base_risk double precision,
    max_floor_risk double precision,
    avg_indicator_risk double precision,
    alarm_count bigint,
    communication_errors bigint,
    candidate_count bigint,
    co_count bigint,
    co_sum double precision,
    temperature_slope double precision,
    arcs_60min bigint,
    risk_modifier double precision,
    risk_score double precision,
    risk_level text,
    profile_version text,
    min_voltage_low double precision,
    leakage_count bigint,
    leakage_sum double precision,
    max_leakage double precision,
    resistive_leakage_count bigint,
    resistive_leakage_sum double precision,
    imbalance_count bigint,
    imbalance_sum double precision,
    context_minutes bigint,
    record_count_60min bigint,
    avg_temperature_60min double precision,
    temp_stddev_60min double precision,
    avg_indicator_60min double precision
);

COMMENT ON TABLE device_minutes IS 'One row per device and minute with readings.';

CREATE TABLE device_patterns (
    device_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    window_start timestamp with time zone NOT NULL,
    minutes bigint,
    temperature_slope double precision,
    temperature_change double precision,
    risk_slope double precision,
    arc_pattern text,
    periodicity_minutes double precision,
    risk_volatility double precision,
    is_rapid_risk_change boolean,
    is_sustained_high_risk boolean,
    sensor_anomalies jsonb,
    trend text,
    confidence double precision,
    arc_frequency double precision,
    total_arcs bigint,
    max_arc_count bigint,
    dominant_period_minutes double precision,
    rapid_risk_change double precision,
    rapid_risk_change_at timestamp with time zone,
    high_risk_minutes bigint,
    max_temperature double precision,
    min_temperature double precision,
    max_risk_score double precision,
    min_risk_score double precision,
    avg_risk_score double precision,
    anomalies text,
    anomaly_count bigint,
    recommendations jsonb
);

COMMENT ON TABLE device_patterns IS 'The patterns of a device''s hour, one row per 5 minutes.';

CREATE TABLE device_registry (
    device_id text NOT NULL,
    site_id text,
    zone text,
    profile text NOT NULL,
    limits jsonb NOT NULL,
    version text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    removed_at timestamp with time zone
);

COMMENT ON TABLE device_registry IS 'A device of the registry with its site, zone, profile and limits, and the version that said so; removed_at is when a later version no longer listed it. Written by services.retention; the jobs read the file.';

CREATE TABLE device_state (
    device_id text NOT NULL,
    site_id text,
    last_seen timestamp with time zone NOT NULL,
    last_idx bigint NOT NULL,
    risk_level text NOT NULL,
    risk_score double precision NOT NULL,
    last_temperature double precision,
    last_arc_count bigint,
    status_bits bigint,
    total_alarms bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE device_state IS 'The newest reading of every device, kept by a trigger from the rows that readings truly gains: a redelivered reading is an update there and never counts twice.';

CREATE TABLE early_heat (
    device_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    window_start timestamp with time zone NOT NULL,
    max_temperature double precision,
    min_temperature double precision,
    temperature_rise double precision,
    noise double precision,
    level text
);

COMMENT ON TABLE early_heat IS 'A device that warms up beyond its noise, one row per device and 5 seconds.';

CREATE TABLE lasting_hazards (
    device_id text NOT NULL,
    minute_end timestamp with time zone NOT NULL,
    alert_type text NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    level text NOT NULL,
    field text,
    value double precision,
    avg_current double precision,
    avg_current_60min double precision,
    rated_current double precision
);

COMMENT ON TABLE lasting_hazards IS 'A hazard of a device that lasts for a whole minute, but is not urgent by a single reading.';

CREATE TABLE notifications (
    channel text NOT NULL,
    idempotency_key text NOT NULL,
    sequence bigint NOT NULL,
    alert_id text NOT NULL,
    transition text NOT NULL,
    level text NOT NULL,
    subject text NOT NULL,
    site_id text,
    alert json NOT NULL,
    is_urgent boolean NOT NULL,
    state text DEFAULT 'PENDING'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    max_age interval NOT NULL,
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    claimed_until timestamp with time zone,
    delivered_at timestamp with time zone,
    last_error text,
    place json,
    planned_at timestamp with time zone,
    escalated_from text,
    CONSTRAINT notifications_have_a_known_state CHECK ((state = ANY (ARRAY['PENDING'::text, 'DELIVERED'::text, 'PARKED'::text, 'CANCELLED'::text, 'FOR_DIGEST'::text, 'IN_DIGEST'::text])))
);

COMMENT ON TABLE notifications IS 'The outbox of ./fire notify: one row per transition of an alert and channel that must hear of it, written before the transition counts as read. Times come from the notifier''s clock; claimed_until is when a claim of a notifier that died is void.';

COMMENT ON COLUMN notifications.place IS 'The place of the alert as the registry knew it.';

COMMENT ON COLUMN notifications.planned_at IS 'When the first attempt was due; null in rows of earlier versions, where it was created_at.';

COMMENT ON COLUMN notifications.escalated_from IS 'The channel that told people first, if this delivery is only for when nobody acknowledges.';

ALTER TABLE notifications ALTER COLUMN sequence ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifications_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE readings (
    device_id text NOT NULL,
    event_time timestamp with time zone NOT NULL,
    idx bigint NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    status_bits bigint,
    verify_status bigint,
    voltage double precision,
    voltage_low double precision,
    current double precision,
    leakage_current double precision,
    resistive_leakage double precision,
    power double precision,
    power_factor double precision,
    pcb_temperature double precision,
    sensor_temperature double precision,
    co_gas double precision,
    voc double precision,
    arc_count bigint,
    max_temperature double precision,
    total_alarm_count bigint,
    communication_error boolean,
    temperature_score double precision,
    electrical_score double precision,
    gas_score double precision,
    indicator_risk double precision,
    rule_risk double precision,
    status_risk double precision,
    pattern_risk double precision,
    base_risk double precision,
    floor_risk double precision,
    risk_score double precision NOT NULL,
    risk_level text NOT NULL,
    confidence double precision,
    alert_type text,
    is_valid boolean,
    invalid_fields jsonb,
    warnings jsonb,
    is_late boolean,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    zone text,
    profile text,
    profile_version text,
    invalid_values jsonb,
    clock_offset double precision
)
PARTITION BY RANGE (event_time);

COMMENT ON TABLE readings IS 'One row per reading, partitioned by the day of its event. Columns of results carry the topics'' field names; only what the store job''s views guarantee is NOT NULL, because a stricter column would let one foreign message stop the job.';

CREATE VIEW reading_days AS
 SELECT to_date("right"((child.relname)::text, 8), 'YYYYMMDD'::text) AS day,
    (child.relname)::text AS partition_name
   FROM (pg_inherits
     JOIN pg_class child ON ((child.oid = pg_inherits.inhrelid)))
  WHERE ((pg_inherits.inhparent = ('readings'::regclass)::oid) AND (child.relname ~ '^readings_[0-9]{8}$'::text));

COMMENT ON VIEW reading_days IS 'The days (UTC) of readings that have a partition of their own.';

CREATE TABLE readings_default (
    device_id text CONSTRAINT readings_device_id_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT readings_event_time_not_null NOT NULL,
    idx bigint CONSTRAINT readings_idx_not_null NOT NULL,
    schema_version integer CONSTRAINT readings_schema_version_not_null NOT NULL,
    site_id text,
    status_bits bigint,
    verify_status bigint,
    voltage double precision,
    voltage_low double precision,
    current double precision,
    leakage_current double precision,
    resistive_leakage double precision,
    power double precision,
    power_factor double precision,
    pcb_temperature double precision,
    sensor_temperature double precision,
    co_gas double precision,
    voc double precision,
    arc_count bigint,
    max_temperature double precision,
    total_alarm_count bigint,
    communication_error boolean,
    temperature_score double precision,
    electrical_score double precision,
    gas_score double precision,
    indicator_risk double precision,
    rule_risk double precision,
    status_risk double precision,
    pattern_risk double precision,
    base_risk double precision,
    floor_risk double precision,
    risk_score double precision CONSTRAINT readings_risk_score_not_null NOT NULL,
    risk_level text CONSTRAINT readings_risk_level_not_null NOT NULL,
    confidence double precision,
    alert_type text,
    is_valid boolean,
    invalid_fields jsonb,
    warnings jsonb,
    is_late boolean,
    stored_at timestamp with time zone DEFAULT now() CONSTRAINT readings_stored_at_not_null NOT NULL,
    zone text,
    profile text,
    profile_version text,
    invalid_values jsonb,
    clock_offset double precision
);

COMMENT ON TABLE readings_default IS 'Takes every event time that has no day of its own, so that none can stop the job.';

CREATE TABLE result_retention (
    result text NOT NULL,
    time_column text NOT NULL,
    days integer,
    CONSTRAINT result_retention_keeps_a_day CHECK ((days >= 1))
);

COMMENT ON TABLE result_retention IS 'Which windows'' results are deleted, by which column of time, and after how many days at the latest (NULL: as long as results are kept at all).';

CREATE TABLE risk_spikes (
    device_id text NOT NULL,
    minute_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    risk_score double precision,
    previous_risk_score double precision,
    risk_change double precision
);

COMMENT ON TABLE risk_spikes IS 'A device''s minute whose risk jumped.';

CREATE TABLE schema_migrations (
    version text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE schema_migrations IS 'Which migrations this database has seen.';

CREATE TABLE site_risk (
    site_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    window_start timestamp with time zone NOT NULL,
    devices bigint,
    devices_high bigint,
    mean_risk double precision,
    max_risk double precision,
    site_risk double precision,
    risk_level text
);

COMMENT ON TABLE site_risk IS 'A site''s risk, one row per minute.';

CREATE TABLE store_refusals (
    source text NOT NULL,
    topic text NOT NULL,
    reason text NOT NULL,
    refused_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE store_refusals IS 'Messages on the result topics that are no results: where they lie in Kafka, and why they were left out.';

CREATE TABLE temperature_anomalies (
    device_id text NOT NULL,
    minute_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    temperature double precision,
    mean double precision,
    stddev double precision,
    risk_score double precision,
    anomaly_type text
);

COMMENT ON TABLE temperature_anomalies IS 'A minute hotter than its device''s hour explains.';

CREATE TABLE temperature_rises (
    device_id text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    schema_version integer NOT NULL,
    site_id text,
    window_start timestamp with time zone NOT NULL,
    max_temperature double precision,
    min_temperature double precision,
    temperature_rise double precision
);

COMMENT ON TABLE temperature_rises IS 'A rise of temperature as only fire makes it, one row per device and 10 seconds.';

ALTER TABLE ONLY readings ATTACH PARTITION readings_default DEFAULT;

ALTER TABLE ONLY alert_transitions
    ADD CONSTRAINT alert_transitions_pkey PRIMARY KEY (alert_id, transition, level, occasion);

ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert_id);

ALTER TABLE ONLY arc_patterns
    ADD CONSTRAINT arc_patterns_pkey PRIMARY KEY (device_id, window_end);

ALTER TABLE ONLY co_exposure
    ADD CONSTRAINT co_exposure_pkey PRIMARY KEY (device_id, minute_end);

ALTER TABLE ONLY dashboard_actions
    ADD CONSTRAINT dashboard_actions_pkey PRIMARY KEY (sequence);

ALTER TABLE ONLY dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (source);

ALTER TABLE ONLY device_5min_aggregates
    ADD CONSTRAINT device_5min_aggregates_pkey PRIMARY KEY (device_id, window_end);

ALTER TABLE ONLY device_correlations
    ADD CONSTRAINT device_correlations_pkey PRIMARY KEY (site_id, window_end, device1, device2);

ALTER TABLE ONLY device_minutes
    ADD CONSTRAINT device_minutes_pkey PRIMARY KEY (device_id, minute_end);

ALTER TABLE ONLY device_patterns
    ADD CONSTRAINT device_patterns_pkey PRIMARY KEY (device_id, window_end);

ALTER TABLE ONLY device_registry
    ADD CONSTRAINT device_registry_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY device_state
    ADD CONSTRAINT device_state_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY early_heat
    ADD CONSTRAINT early_heat_pkey PRIMARY KEY (device_id, window_end);

ALTER TABLE ONLY lasting_hazards
    ADD CONSTRAINT lasting_hazards_pkey PRIMARY KEY (device_id, minute_end, alert_type);

ALTER TABLE ONLY notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (channel, idempotency_key);

ALTER TABLE ONLY readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (device_id, event_time, idx);

ALTER TABLE ONLY readings_default
    ADD CONSTRAINT readings_default_pkey PRIMARY KEY (device_id, event_time, idx);

ALTER TABLE ONLY result_retention
    ADD CONSTRAINT result_retention_pkey PRIMARY KEY (result);

ALTER TABLE ONLY risk_spikes
    ADD CONSTRAINT risk_spikes_pkey PRIMARY KEY (device_id, minute_end);

ALTER TABLE ONLY schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY site_risk
    ADD CONSTRAINT site_risk_pkey PRIMARY KEY (site_id, window_end);

ALTER TABLE ONLY store_refusals
    ADD CONSTRAINT store_refusals_pkey PRIMARY KEY (source);

ALTER TABLE ONLY temperature_anomalies
    ADD CONSTRAINT temperature_anomalies_pkey PRIMARY KEY (device_id, minute_end);

ALTER TABLE ONLY temperature_rises
    ADD CONSTRAINT temperature_rises_pkey PRIMARY KEY (device_id, window_end);

CREATE INDEX alert_transitions_by_time ON alert_transitions USING btree (event_time DESC);

CREATE INDEX alerts_acknowledged ON alerts USING btree (opened_at DESC, alert_id DESC) WHERE (acknowledged_at IS NOT NULL);

CREATE INDEX alerts_by_level ON alerts USING btree (level, opened_at DESC, alert_id DESC);

CREATE INDEX alerts_by_prefix ON alerts USING btree (subject text_pattern_ops);

CREATE INDEX alerts_by_site ON alerts USING btree (site_id, opened_at DESC);

CREATE INDEX alerts_by_subject ON alerts USING btree (subject, opened_at DESC);

CREATE INDEX alerts_by_time ON alerts USING btree (opened_at DESC);

CREATE INDEX alerts_by_type ON alerts USING btree (alert_type, opened_at DESC, alert_id DESC);

CREATE INDEX alerts_open ON alerts USING btree (opened_at DESC) WHERE ((state <> 'CLEARED'::text) AND (resolved_at IS NULL));

CREATE INDEX alerts_open_by_site ON alerts USING btree (site_id) WHERE ((state <> 'CLEARED'::text) AND ((resolved_at IS NULL) OR (event_time > resolved_at)));

CREATE INDEX alerts_open_by_subject ON alerts USING btree (subject) WHERE ((state <> 'CLEARED'::text) AND ((resolved_at IS NULL) OR (event_time > resolved_at)));

CREATE INDEX alerts_resolved ON alerts USING btree (opened_at DESC, alert_id DESC) WHERE (resolved_at IS NOT NULL);

CREATE INDEX alerts_worst_open ON alerts USING btree (fire_level_rank(level) DESC, opened_at DESC, alert_id DESC) WHERE ((state <> 'CLEARED'::text) AND ((resolved_at IS NULL) OR (event_time > resolved_at)));

COMMENT ON INDEX alerts_worst_open IS 'An alert is open until it clears or is resolved; a transition after that says that the hazard goes on, and opens it again.';

CREATE INDEX arc_patterns_by_site ON arc_patterns USING btree (site_id, window_end DESC);

CREATE INDEX arc_patterns_by_time ON arc_patterns USING btree (window_end);

CREATE INDEX co_exposure_by_site ON co_exposure USING btree (site_id, minute_end DESC);

CREATE INDEX co_exposure_by_time ON co_exposure USING btree (minute_end);

CREATE INDEX dashboard_actions_by_subject ON dashboard_actions USING btree (subject, sequence DESC);

CREATE INDEX dead_letters_by_time ON dead_letters USING btree (received_at DESC, source DESC);

CREATE INDEX device_5min_aggregates_by_time ON device_5min_aggregates USING btree (window_end);

CREATE INDEX device_correlations_by_time ON device_correlations USING btree (window_end);

CREATE INDEX device_minutes_by_time ON device_minutes USING btree (minute_end);

CREATE INDEX device_patterns_by_site ON device_patterns USING btree (site_id, window_end DESC);

CREATE INDEX device_patterns_by_time ON device_patterns USING btree (window_end);

CREATE INDEX device_registry_site ON device_registry USING btree (site_id) WHERE (site_id IS NOT NULL);

CREATE INDEX device_state_by_prefix ON device_state USING btree (device_id text_pattern_ops);

CREATE INDEX device_state_by_site ON device_state USING btree (site_id, device_id);

CREATE INDEX device_state_worst_by_level ON device_state USING btree (risk_level, risk_score DESC, device_id);

CREATE INDEX device_state_worst_by_site ON device_state USING btree (site_id, risk_score DESC, device_id);

CREATE INDEX device_state_worst_first ON device_state USING btree (risk_score DESC, device_id);

CREATE INDEX early_heat_by_site ON early_heat USING btree (site_id, window_end DESC);

CREATE INDEX early_heat_by_time ON early_heat USING btree (window_end);

CREATE INDEX lasting_hazards_by_site ON lasting_hazards USING btree (site_id, minute_end DESC);

CREATE INDEX lasting_hazards_by_time ON lasting_hazards USING btree (minute_end);

CREATE INDEX notifications_by_alert ON notifications USING btree (channel, alert_id, sequence);

CREATE INDEX notifications_by_time ON notifications USING btree (created_at);

CREATE INDEX notifications_escalating ON notifications USING btree (alert_id) WHERE ((escalated_from IS NOT NULL) AND (state = 'PENDING'::text));

CREATE INDEX notifications_for_digest ON notifications USING btree (channel, due_at) WHERE (state = 'FOR_DIGEST'::text);

CREATE INDEX notifications_waiting ON notifications USING btree (channel, is_urgent DESC, sequence) WHERE (state = 'PENDING'::text);

CREATE INDEX readings_late ON ONLY readings USING btree (event_time) WHERE is_late;

CREATE INDEX readings_default_event_time_idx ON readings_default USING btree (event_time) WHERE is_late;

CREATE INDEX readings_invalid ON ONLY readings USING btree (event_time) WHERE (NOT is_valid);

CREATE INDEX readings_default_event_time_idx1 ON readings_default USING btree (event_time) WHERE (NOT is_valid);

CREATE INDEX risk_spikes_by_site ON risk_spikes USING btree (site_id, minute_end DESC);

CREATE INDEX risk_spikes_by_time ON risk_spikes USING btree (minute_end);

CREATE INDEX site_risk_by_time ON site_risk USING btree (window_end);

CREATE INDEX store_refusals_by_time ON store_refusals USING btree (refused_at DESC);

CREATE INDEX temperature_anomalies_by_site ON temperature_anomalies USING btree (site_id, minute_end DESC);

CREATE INDEX temperature_anomalies_by_time ON temperature_anomalies USING btree (minute_end);

CREATE INDEX temperature_rises_by_site ON temperature_rises USING btree (site_id, window_end DESC);

CREATE INDEX temperature_rises_by_time ON temperature_rises USING btree (window_end);

ALTER INDEX readings_late ATTACH PARTITION readings_default_event_time_idx;

ALTER INDEX readings_invalid ATTACH PARTITION readings_default_event_time_idx1;

ALTER INDEX readings_pkey ATTACH PARTITION readings_default_pkey;

CREATE TRIGGER alerts_only_go_forward BEFORE UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION fire_merge_alert();

CREATE TRIGGER dashboard_actions_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON dashboard_actions FOR EACH STATEMENT EXECUTE FUNCTION fire_refuse_change();

CREATE TRIGGER readings_move_device_state AFTER INSERT ON readings REFERENCING NEW TABLE AS new_readings FOR EACH STATEMENT EXECUTE FUNCTION fire_follow_devices();
