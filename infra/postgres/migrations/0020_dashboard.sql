-- What the dashboard needs beside the results: refused messages to look at and to correct, a trail of what people did, and
-- the order in which lists are read, so that a page of them costs the same however many rows there are.

-- A message that was refused, as on the topic: `message` is its bytes in base64. replayed_at and replayed_by belong to people.
CREATE TABLE dead_letters (
    source         text        PRIMARY KEY,
    schema_version integer     NOT NULL,
    record_time    timestamptz,
    reason         text        NOT NULL,
    message        text,
    received_at    timestamptz NOT NULL DEFAULT now(),
    replayed_at    timestamptz,
    replayed_by    text,
    CONSTRAINT dead_letters_replayed_by_somebody CHECK ((replayed_at IS NULL) = (replayed_by IS NULL))
);
CREATE INDEX dead_letters_by_time ON dead_letters (received_at DESC, source DESC);

-- Who did what to an alert or a dead letter, and how it stood then. Kept for ever: it is what the detection is judged by.
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

-- An alert is open until it clears or is resolved; a transition after that says that the hazard goes on, and opens it again.
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

DROP INDEX device_state_by_risk;
CREATE INDEX device_state_worst_first ON device_state (risk_score DESC, device_id);
CREATE INDEX device_state_worst_by_site ON device_state (site_id, risk_score DESC, device_id);
CREATE INDEX device_state_worst_by_level ON device_state (risk_level, risk_score DESC, device_id);
CREATE INDEX device_state_by_prefix ON device_state (device_id text_pattern_ops);

CREATE INDEX readings_late ON readings (event_time) WHERE is_late;
CREATE INDEX readings_invalid ON readings (event_time) WHERE NOT is_valid;

-- Deletes results that are `days` old, patterns after 7 days at the latest. An alert that is neither cleared nor resolved
-- stays, whatever its age, and with it its history: no data is not an all-clear.
-- aggregates_deleted counts the rows of all windows that are longer or rarer than a minute's row, refusals_deleted also
-- dead letters.
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
    DELETE FROM dead_letters WHERE received_at < oldest;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    refusals_deleted := refusals_deleted + deleted;
    RETURN NEXT;
END
$$;
