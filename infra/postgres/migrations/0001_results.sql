-- Tables that the store job fills: one row per reading, device minute, five minutes, alert, and transition of an alert.
-- Columns carry the topics' field names. Only what the job's views guarantee is NOT NULL: a stricter column would let
-- one foreign message stop the job for ever.

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
    PRIMARY KEY (device_id, event_time, idx)
) PARTITION BY RANGE (event_time);

-- Takes every event time that has no day of its own, so that none can stop the job.
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

-- An alert as its last transition left it. The last seven columns belong to people: the job never names them.
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
    CONSTRAINT alerts_acknowledged_by_somebody CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    CONSTRAINT alerts_resolved_by_somebody CHECK ((resolved_at IS NULL) = (resolved_by IS NULL))
);
CREATE INDEX alerts_open ON alerts (opened_at DESC) WHERE state <> 'CLEARED' AND resolved_at IS NULL;
CREATE INDEX alerts_by_time ON alerts (opened_at DESC);
CREATE INDEX alerts_by_site ON alerts (site_id, opened_at DESC);
CREATE INDEX alerts_by_subject ON alerts (subject, opened_at DESC);

-- What happened to an alert, one row per transition, as on the topic.
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
    PRIMARY KEY (alert_id, transition, level)
);
CREATE INDEX alert_transitions_by_time ON alert_transitions (event_time DESC);

-- A redelivered OPENED must not reopen what was escalated or cleared: the life of an alert only goes forward.
CREATE FUNCTION fire_alert_stage(state text) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE state WHEN 'OPENED' THEN 0 WHEN 'CLEARED' THEN 2 ELSE 1 END
$$;

CREATE FUNCTION fire_keep_alert() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RETURN NULL;
END
$$;

CREATE TRIGGER alerts_only_go_forward BEFORE UPDATE ON alerts FOR EACH ROW
    WHEN (fire_alert_stage(NEW.state) < fire_alert_stage(OLD.state)) EXECUTE FUNCTION fire_keep_alert();

-- Messages on the result topics that are no results: where they lie in Kafka, and why they were left out.
CREATE TABLE store_refusals (
    source     text        PRIMARY KEY,
    topic      text        NOT NULL,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX store_refusals_by_time ON store_refusals (refused_at DESC);
