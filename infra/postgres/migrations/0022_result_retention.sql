-- Which windows' results are deleted, by which column of time, and after how many days at the latest (NULL: as long as results
-- are kept at all). A new window's result is one row here.
CREATE TABLE result_retention (
    result      text    PRIMARY KEY,
    time_column text    NOT NULL,
    days        integer,
    CONSTRAINT result_retention_keeps_a_day CHECK (days >= 1)
);
INSERT INTO result_retention (result, time_column, days) VALUES
    ('device_5min_aggregates', 'window_end', NULL),
    ('temperature_rises', 'window_end', NULL),
    ('temperature_anomalies', 'minute_end', NULL),
    ('co_exposure', 'minute_end', NULL),
    ('risk_spikes', 'minute_end', NULL),
    ('arc_patterns', 'window_end', NULL),
    ('device_correlations', 'window_end', NULL),
    ('site_risk', 'window_end', NULL),
    ('device_patterns', 'window_end', 7);

-- Deletes results that are `days` old, windows' results after their own days if those are fewer. An alert that is neither
-- cleared nor resolved stays, whatever its age, and with it its history: no data is not an all-clear.
-- aggregates_deleted counts the rows of result_retention's tables, refusals_deleted also dead letters.
CREATE OR REPLACE FUNCTION fire_expire_results(days integer)
RETURNS TABLE (minutes_deleted bigint, aggregates_deleted bigint, alerts_deleted bigint, transitions_deleted bigint,
               refusals_deleted bigint)
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
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
$$;
