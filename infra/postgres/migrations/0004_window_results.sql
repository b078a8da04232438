-- The windows' results, one table each; what readings, minutes and alerts have learnt to say; and updates of open alerts.
-- Only what the job's views guarantee is NOT NULL, as before.

ALTER TABLE readings
    ADD COLUMN zone text,
    ADD COLUMN profile text,
    ADD COLUMN profile_version text;

ALTER TABLE device_minutes
    ADD COLUMN co_count bigint,
    ADD COLUMN co_sum double precision,
    ADD COLUMN temperature_slope double precision,
    ADD COLUMN arcs_60min bigint,
    ADD COLUMN risk_modifier double precision,
    ADD COLUMN risk_score double precision,
    ADD COLUMN risk_level text,
    ADD COLUMN profile_version text;

ALTER TABLE alerts
    ADD COLUMN subject_kind text,
    ADD COLUMN cause text,
    ADD COLUMN last_seen timestamptz,
    ADD COLUMN was_held boolean,
    ADD COLUMN profile_version text,
    ADD COLUMN reminded_at timestamptz;

-- An alert is reminded of again and again: its reminders are told apart by their time, other transitions by their level.
ALTER TABLE alert_transitions
    ADD COLUMN occasion timestamptz,
    ADD COLUMN subject_kind text,
    ADD COLUMN cause text,
    ADD COLUMN last_seen timestamptz,
    ADD COLUMN was_held boolean,
    ADD COLUMN profile_version text;
UPDATE alert_transitions SET occasion = opened_at;
ALTER TABLE alert_transitions
    ALTER COLUMN occasion SET NOT NULL,
    DROP CONSTRAINT alert_transitions_pkey,
    ADD PRIMARY KEY (alert_id, transition, level, occasion);

-- A rise of temperature as only fire makes it, one row per device and 10 seconds.
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

-- A minute hotter than its device's hour explains.
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

-- A device's minute with too much carbon monoxide for too long.
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

-- A device's minute whose risk jumped.
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

-- The arcs of a device's ten minutes, one row per minute.
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

-- Two devices of a site in one window, one of them at risk.
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

-- A site's risk, one row per minute.
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

-- The patterns of a device's hour, one row per 5 minutes.
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

DROP TRIGGER alerts_only_go_forward ON alerts;
DROP FUNCTION fire_keep_alert();

-- The life of an alert only goes forward, whatever is delivered again and in whichever order: a row that lies behind what is
-- known brings nothing but counts and peaks, and those never fall. UPDATED is a row without a transition; it lies behind all.
CREATE OR REPLACE FUNCTION fire_alert_stage(state text) RETURNS integer
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

-- Deletes results that are `days` old, patterns after 7 days at the latest. An alert that is neither cleared nor resolved
-- stays, whatever its age, and with it its history: no data is not an all-clear.
-- aggregates_deleted counts the rows of all windows that are longer or rarer than a minute's row.
CREATE OR REPLACE FUNCTION fire_expire_results(days integer)
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
    RETURN NEXT;
END
$$;
