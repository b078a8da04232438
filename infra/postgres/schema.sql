-- The schema of the results database in one piece, for reading; `migrate.py` creates it from `migrations/`. A test checks on
-- a real server that both give the same tables, indexes, functions and triggers. A new migration changes this file too.

-- The migrations that were applied to this database.
CREATE TABLE schema_migrations (
    version    text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- The tables that the store job fills: one row per reading, device minute, five minutes, alert, and transition of an alert.
-- Columns have the names of the topics' fields. Only columns that the job's views guarantee are NOT NULL: a stricter column
-- would let a single foreign message stop the job for ever.

CREATE TABLE readings (
    device_id             text             NOT NULL,
    event_time            timestamptz      NOT NULL,
    idx                   bigint           NOT NULL,
    schema_version        integer          NOT NULL,
    site_id               text,
    status_bits           bigint,
    verify_status         bigint,
    voltage               double precision,
    voltage_low           double precision,
    current               double precision,
    leakage_current       double precision,
    resistive_leakage     double precision,
    power                 double precision,
    power_factor          double precision,
    pcb_temperature       double precision,
    sensor_temperature    double precision,
    co_gas                double precision,
    voc                   double precision,
    arc_count             bigint,
    max_temperature       double precision,
    total_alarm_count     bigint,
    communication_error   boolean,
    temperature_score     double precision,
    electrical_score      double precision,
    gas_score             double precision,
    indicator_risk        double precision,
    rule_risk             double precision,
    status_risk           double precision,
    pattern_risk          double precision,
    base_risk             double precision,
    floor_risk            double precision,
    risk_score            double precision NOT NULL,
    risk_level            text             NOT NULL,
    confidence            double precision,
    alert_type            text,
    is_valid              boolean,
    invalid_fields        jsonb,
    warnings              jsonb,
    is_late               boolean,
    stored_at             timestamptz      NOT NULL DEFAULT now(),
    zone                text,
    profile             text,
    profile_version     text,
    PRIMARY KEY (device_id, event_time, idx)
) PARTITION BY RANGE (event_time);

-- Takes every event time without a daily partition, so that none can stop the job.
CREATE TABLE readings_default PARTITION OF readings DEFAULT;

CREATE TABLE device_minutes (
    device_id               text        NOT NULL,
    minute_end              timestamptz NOT NULL,
    schema_version          integer     NOT NULL,
    site_id                 text,
    minute_start            timestamptz NOT NULL,
    record_count            bigint      NOT NULL,
    temperature_count       bigint,
    temperature_sum         double precision,
    temperature_sum_squares double precision,
    avg_temperature         double precision,
    max_temperature         double precision,
    min_temperature         double precision,
    total_arcs              bigint,
    arc_events              bigint,
    max_arc_count           bigint,
    current_count           bigint,
    current_sum             double precision,
    avg_current             double precision,
    max_current             double precision,
    avg_co_gas              double precision,
    max_co_gas              double precision,
    avg_voc                 double precision,
    max_voc                 double precision,
    risk_sum                double precision,
    max_risk_score          double precision,
    max_base_risk           double precision,
    max_floor_risk          double precision,
    avg_indicator_risk      double precision,
    alarm_count             bigint,
    communication_errors    bigint,
    candidate_count         bigint,
    co_count                bigint,
    co_sum                  double precision,
    temperature_slope       double precision,
    arcs_60min              bigint,
    risk_modifier           double precision,
    risk_score              double precision,
    risk_level              text,
    profile_version         text,
    PRIMARY KEY (device_id, minute_end)
);
CREATE INDEX device_minutes_by_time ON device_minutes (minute_end);

CREATE TABLE device_5min_aggregates (
    device_id       text        NOT NULL,
    window_end      timestamptz NOT NULL,
    schema_version  integer     NOT NULL,
    site_id         text,
    window_start    timestamptz NOT NULL,
    avg_temperature double precision,
    max_temperature double precision,
    min_temperature double precision,
    temp_stddev     double precision,
    avg_risk_score  double precision,
    max_risk_score  double precision,
    total_arcs      bigint,
    avg_current     double precision,
    max_current     double precision,
    record_count    bigint      NOT NULL,
    PRIMARY KEY (device_id, window_end)
);
CREATE INDEX device_5min_aggregates_by_time ON device_5min_aggregates (window_end);

-- The current state of every alert. Users write acknowledged_at to note_at; the job never names these columns.
CREATE TABLE alerts (
    alert_id           text        PRIMARY KEY,
    schema_version     integer     NOT NULL,
    state              text        NOT NULL,
    subject            text        NOT NULL,
    site_id            text,
    alert_type         text        NOT NULL,
    level              text        NOT NULL,
    peak_level         text,
    risk_score         double precision,
    peak_risk_score    double precision,
    candidate_count    bigint,
    base_risk          double precision,
    floor_risk         double precision,
    rule_risk          double precision,
    status_risk        double precision,
    pattern_risk       double precision,
    confidence         double precision,
    explanation        jsonb,
    max_temperature    double precision,
    voltage            double precision,
    current            double precision,
    leakage_current    double precision,
    resistive_leakage  double precision,
    arc_count          bigint,
    co_gas             double precision,
    voc                double precision,
    status_bits        bigint,
    event_time         timestamptz NOT NULL,
    opened_at          timestamptz NOT NULL,
    last_candidate_at  timestamptz,
    cleared_at         timestamptz,
    message_ko         text,
    message_en         text,
    recommendations_ko jsonb,
    recommendations_en jsonb,
    acknowledged_at    timestamptz,
    acknowledged_by    text,
    resolved_at        timestamptz,
    resolved_by        text,
    resolution         text,
    note               text,
    note_at            timestamptz,
    subject_kind       text,
    cause              text,
    last_seen          timestamptz,
    was_held           boolean,
    profile_version    text,
    reminded_at        timestamptz,
    CONSTRAINT alerts_acknowledged_by_somebody CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    CONSTRAINT alerts_resolved_by_somebody CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE INDEX alerts_open ON alerts (opened_at DESC) WHERE state <> 'CLEARED' AND resolved_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (opened_at DESC);
CREATE INDEX alerts_by_site ON alerts (site_id, opened_at DESC);
CREATE INDEX alerts_by_subject ON alerts (subject, opened_at DESC);

-- The history of every alert, one row per transition, as on the topic. occasion distinguishes reminders: it is their time,
-- and for every other transition the time at which the alert opened.
CREATE TABLE alert_transitions (
    alert_id           text        NOT NULL,
    transition         text        NOT NULL,
    level              text        NOT NULL,
    schema_version     integer     NOT NULL,
    subject            text        NOT NULL,
    site_id            text,
    alert_type         text        NOT NULL,
    peak_level         text,
    risk_score         double precision,
    peak_risk_score    double precision,
    candidate_count    bigint,
    base_risk          double precision,
    floor_risk         double precision,
    rule_risk          double precision,
    status_risk        double precision,
    pattern_risk       double precision,
    confidence         double precision,
    explanation        jsonb,
    max_temperature    double precision,
    voltage            double precision,
    current            double precision,
    leakage_current    double precision,
    resistive_leakage  double precision,
    arc_count          bigint,
    co_gas             double precision,
    voc                double precision,
    status_bits        bigint,
    event_time         timestamptz NOT NULL,
    opened_at          timestamptz NOT NULL,
    last_candidate_at  timestamptz,
    message_ko         text,
    message_en         text,
    recommendations_ko jsonb,
    recommendations_en jsonb,
    stored_at          timestamptz NOT NULL DEFAULT now(),
    occasion           timestamptz NOT NULL,
    subject_kind       text,
    cause              text,
    last_seen          timestamptz,
    was_held           boolean,
    profile_version    text,
    PRIMARY KEY (alert_id, transition, level, occasion)
);
CREATE INDEX alert_transitions_by_time ON alert_transitions (event_time DESC);

-- The state of an alert only moves forward, whatever is delivered again and in whichever order: an older row changes only
-- counts and peaks, which never fall. UPDATED is a row without a transition; it is older than every transition.
CREATE FUNCTION fire_alert_stage(state text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE state WHEN 'UPDATED' THEN -1 WHEN 'OPENED' THEN 0 WHEN 'CLEARED' THEN 2 ELSE 1 END
$$;

CREATE FUNCTION fire_higher_level(one text, other text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT level FROM unnest(ARRAY[one, other]) AS level
    ORDER BY array_position(ARRAY['NORMAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'], level) DESC NULLS LAST LIMIT 1
$$;

CREATE FUNCTION fire_merge_alert() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE TRIGGER alerts_only_go_forward BEFORE UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION fire_merge_alert();

-- Messages on the result topics that are not valid results: their positions in Kafka, and the reasons for the refusal.
CREATE TABLE store_refusals (
    source     text        PRIMARY KEY,
    topic      text        NOT NULL,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX store_refusals_by_time ON store_refusals (refused_at DESC);

-- Rises of temperature as steep as only fire causes, one row per device and 10 seconds.
CREATE TABLE temperature_rises (
    device_id        text        NOT NULL,
    window_end       timestamptz NOT NULL,
    schema_version   integer     NOT NULL,
    site_id          text,
    window_start     timestamptz NOT NULL,
    max_temperature  double precision,
    min_temperature  double precision,
    temperature_rise double precision,
    PRIMARY KEY (device_id, window_end)
);
CREATE INDEX temperature_rises_by_time ON temperature_rises (window_end);
CREATE INDEX temperature_rises_by_site ON temperature_rises (site_id, window_end DESC);

-- Minutes hotter than the hour of their device explains, one row per device and minute.
CREATE TABLE temperature_anomalies (
    device_id      text        NOT NULL,
    minute_end     timestamptz NOT NULL,
    schema_version integer     NOT NULL,
    site_id        text,
    temperature    double precision,
    mean           double precision,
    stddev         double precision,
    risk_score     double precision,
    anomaly_type   text,
    PRIMARY KEY (device_id, minute_end)
);
CREATE INDEX temperature_anomalies_by_time ON temperature_anomalies (minute_end);
CREATE INDEX temperature_anomalies_by_site ON temperature_anomalies (site_id, minute_end DESC);

-- Minutes with too much carbon monoxide for too long, one row per device and minute.
CREATE TABLE co_exposure (
    device_id      text        NOT NULL,
    minute_end     timestamptz NOT NULL,
    schema_version integer     NOT NULL,
    site_id        text,
    avg_co_10min   double precision,
    minutes_10min  bigint,
    avg_co_60min   double precision,
    minutes_60min  bigint,
    PRIMARY KEY (device_id, minute_end)
);
CREATE INDEX co_exposure_by_time ON co_exposure (minute_end);
CREATE INDEX co_exposure_by_site ON co_exposure (site_id, minute_end DESC);

-- Minutes whose risk jumped, one row per device and minute.
CREATE TABLE risk_spikes (
    device_id           text        NOT NULL,
    minute_end          timestamptz NOT NULL,
    schema_version      integer     NOT NULL,
    site_id             text,
    risk_score          double precision,
    previous_risk_score double precision,
    risk_change         double precision,
    PRIMARY KEY (device_id, minute_end)
);
CREATE INDEX risk_spikes_by_time ON risk_spikes (minute_end);
CREATE INDEX risk_spikes_by_site ON risk_spikes (site_id, minute_end DESC);

-- The arcs of a device's last ten minutes, one row per device and minute.
CREATE TABLE arc_patterns (
    device_id         text        NOT NULL,
    window_end        timestamptz NOT NULL,
    schema_version    integer     NOT NULL,
    site_id           text,
    window_start      timestamptz NOT NULL,
    total_arcs_10min  bigint,
    arc_events        bigint,
    max_single_arc    bigint,
    avg_arc_per_event double precision,
    arc_pattern       text,
    PRIMARY KEY (device_id, window_end)
);
CREATE INDEX arc_patterns_by_time ON arc_patterns (window_end);
CREATE INDEX arc_patterns_by_site ON arc_patterns (site_id, window_end DESC);

-- Pairs of devices of a site in one window, at least one of them at risk.
CREATE TABLE device_correlations (
    site_id          text        NOT NULL,
    window_end       timestamptz NOT NULL,
    device1          text        NOT NULL,
    device2          text        NOT NULL,
    schema_version   integer     NOT NULL,
    window_start     timestamptz NOT NULL,
    temp_diff        double precision,
    risk_diff        double precision,
    avg_risk         double precision,
    correlation_type text,
    PRIMARY KEY (site_id, window_end, device1, device2)
);
CREATE INDEX device_correlations_by_time ON device_correlations (window_end);

-- The risk of a site, one row per site and minute.
CREATE TABLE site_risk (
    site_id        text        NOT NULL,
    window_end     timestamptz NOT NULL,
    schema_version integer     NOT NULL,
    window_start   timestamptz NOT NULL,
    devices        bigint,
    devices_high   bigint,
    mean_risk      double precision,
    max_risk       double precision,
    site_risk      double precision,
    risk_level     text,
    PRIMARY KEY (site_id, window_end)
);
CREATE INDEX site_risk_by_time ON site_risk (window_end);

-- The patterns of a device's last hour, one row per device and 5 minutes.
CREATE TABLE device_patterns (
    device_id              text        NOT NULL,
    window_end             timestamptz NOT NULL,
    schema_version         integer     NOT NULL,
    site_id                text,
    window_start           timestamptz NOT NULL,
    minutes                bigint,
    temperature_slope      double precision,
    temperature_change     double precision,
    risk_slope             double precision,
    arc_pattern            text,
    periodicity_minutes    double precision,
    risk_volatility        double precision,
    is_rapid_risk_change   boolean,
    is_sustained_high_risk boolean,
    sensor_anomalies       jsonb,
    trend                  text,
    confidence             double precision,
    PRIMARY KEY (device_id, window_end)
);
CREATE INDEX device_patterns_by_time ON device_patterns (window_end);
CREATE INDEX device_patterns_by_site ON device_patterns (site_id, window_end DESC);

-- The newest reading of every device, maintained by a trigger on inserts into `readings`: a redelivered reading is an update
-- there, so it is not in the transition table and never counts twice.

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

-- Devices are updated in a fixed order, so that two writers wait for each other instead of deadlocking.
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

-- Retention. Readings expire by dropping daily partitions, the smaller tables by DELETE.

-- Returns the days (UTC) of `readings` that have a partition of their own.
CREATE VIEW reading_days AS
SELECT to_date(right(child.relname, 8), 'YYYYMMDD') AS day, child.relname::text AS partition_name
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'readings'::regclass AND child.relname ~ '^readings_[0-9]{8}$';

-- Adds a daily partition to `readings`. Rows that the default partition took in the meantime move there; as they are not new
-- readings, they are inserted before the partition is attached, so that the trigger of device_state does not see them.
-- The parent is locked first, as by every reader and writer, so that none can hold one partition and wait for another, which
-- rules out deadlocks. Writers wait for this function; it waits for a writer for at most 5 s (the store job's socket timeout
-- is 10 s), then fails without effect and must be called again.
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

-- Adds the missing partitions from yesterday to `ahead_days` from now, drops those that ended `retention_days` ago, and
-- deletes rows of that age from the default partition.
-- Locks only when something must change, and then in the same order and with the same timeout.
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

-- Deletes results that are `days` old, and patterns after 7 days at the latest. An alert that is neither cleared nor resolved
-- stays with its history whatever its age, because missing data is not an all-clear.
-- aggregates_deleted counts the rows of all window results except device minutes; refusals_deleted includes dead letters.
CREATE FUNCTION fire_expire_results(days integer)
RETURNS TABLE (minutes_deleted bigint, aggregates_deleted bigint, alerts_deleted bigint, transitions_deleted bigint,
               refusals_deleted bigint)
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    oldest  timestamptz := now() - make_interval(days => days);
    windows record;
    deleted bigint;
BEGIN
    IF days < 1 THEN
        RAISE EXCEPTION 'days is %; keep results for at least 1 day', days USING ERRCODE = 'invalid_parameter_value';
    END IF;
    DELETE FROM device_minutes WHERE minute_end < oldest;
    GET DIAGNOSTICS minutes_deleted = ROW_COUNT;
    aggregates_deleted := 0;
    FOR windows IN SELECT * FROM (VALUES
        ('device_5min_aggregates', 'window_end', days), ('temperature_rises', 'window_end', days),
        ('temperature_anomalies', 'minute_end', days), ('co_exposure', 'minute_end', days), ('risk_spikes', 'minute_end', days),
        ('arc_patterns', 'window_end', days), ('device_correlations', 'window_end', days), ('site_risk', 'window_end', days),
        ('device_patterns', 'window_end', least(days, 7))) AS kept (result, ends, days)
    LOOP
        EXECUTE format('DELETE FROM %I WHERE %I < now() - make_interval(days => $1)', windows.result, windows.ends)
        USING windows.days;
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
$$;

-- The outbox of `./fire notify`: one row per transition of an alert and channel that must receive it. A row is written before
-- the transition counts as read, and records its delivery: attempts, the last failure, the time of delivery.
-- Times come from the notifier's clock; at claimed_until the claim of a notifier that has died expires.
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

-- Deletes notifications that were delivered or parked at least `days` ago; pending ones stay.
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

-- Tables of the dashboard, and indexes in the order in which its lists are read.
-- Refused messages, as on the topic: `message` is their bytes in base64. Users write replayed_at and replayed_by.
CREATE TABLE dead_letters (
    source         text        PRIMARY KEY,
    schema_version integer     NOT NULL,
    record_time    timestamptz,
    reason         text        NOT NULL,
    message        text,
    received_at    timestamptz NOT NULL DEFAULT now(),
    replayed_at    timestamptz,
    replayed_by    text,
    size_bytes     bigint,
    sha256         text,
    is_cut         boolean,
    CONSTRAINT dead_letters_replayed_by_somebody CHECK ((replayed_at IS NULL) = (replayed_by IS NULL))
);
CREATE INDEX dead_letters_by_time ON dead_letters (received_at DESC, source DESC);

-- The actions of users on alerts and dead letters, with the state at that time. Kept for ever, to evaluate the detection.
CREATE TABLE dashboard_actions (
    sequence bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    acted_at timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL,
    action   text        NOT NULL,
    subject  text        NOT NULL,
    details  jsonb       NOT NULL,
    CONSTRAINT dashboard_actions_are_known CHECK (action IN ('ACKNOWLEDGED', 'RESOLVED', 'REPLAYED'))
);
CREATE INDEX dashboard_actions_by_subject ON dashboard_actions (subject, sequence DESC);

CREATE FUNCTION fire_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a trail: rows are added and never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER dashboard_actions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON dashboard_actions
    FOR EACH STATEMENT EXECUTE FUNCTION fire_refuse_change();

CREATE FUNCTION fire_level_rank(level text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE level WHEN 'CRITICAL' THEN 4 WHEN 'HIGH' THEN 3 WHEN 'MEDIUM' THEN 2 WHEN 'LOW' THEN 1 ELSE 0 END
$$;

-- An alert is open until it clears or is resolved; a later transition means that the hazard continues, and reopens it.
CREATE INDEX alerts_worst_open ON alerts (fire_level_rank(level) DESC, opened_at DESC, alert_id DESC)
    WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at);
CREATE INDEX alerts_open_by_subject ON alerts (subject)
    WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at);
CREATE INDEX alerts_open_by_site ON alerts (site_id)
    WHERE state <> 'CLEARED' AND (resolved_at IS NULL OR event_time > resolved_at);
CREATE INDEX alerts_by_level ON alerts (level, opened_at DESC, alert_id DESC);
CREATE INDEX alerts_by_type ON alerts (alert_type, opened_at DESC, alert_id DESC);
CREATE INDEX alerts_by_prefix ON alerts (subject text_pattern_ops);
CREATE INDEX alerts_resolved ON alerts (opened_at DESC, alert_id DESC) WHERE resolved_at IS NOT NULL;
CREATE INDEX alerts_acknowledged ON alerts (opened_at DESC, alert_id DESC) WHERE acknowledged_at IS NOT NULL;

CREATE INDEX device_state_worst_first ON device_state (risk_score DESC, device_id);
CREATE INDEX device_state_worst_by_site ON device_state (site_id, risk_score DESC, device_id);
CREATE INDEX device_state_worst_by_level ON device_state (risk_level, risk_score DESC, device_id);
CREATE INDEX device_state_by_prefix ON device_state (device_id text_pattern_ops);

CREATE INDEX readings_late ON readings (event_time) WHERE is_late;
CREATE INDEX readings_invalid ON readings (event_time) WHERE NOT is_valid;
