-- A device's hazard that lasts for a whole minute, though no reading is urgent, one row per kind.
CREATE TABLE lasting_hazards (
    device_id         text        NOT NULL,
    minute_end        timestamptz NOT NULL,
    alert_type        text        NOT NULL,
    schema_version    integer     NOT NULL,
    site_id           text,
    level             text        NOT NULL,
    field             text,
    value             double precision,
    avg_current       double precision,
    avg_current_60min double precision,
    rated_current     double precision,
    PRIMARY KEY (device_id, minute_end, alert_type)
);
CREATE INDEX lasting_hazards_by_time ON lasting_hazards (minute_end);
CREATE INDEX lasting_hazards_by_site ON lasting_hazards (site_id, minute_end DESC);
COMMENT ON TABLE lasting_hazards IS 'A hazard of a device that lasts for a whole minute, but is not urgent by a single reading.';
INSERT INTO result_retention (result, time_column, days) VALUES ('lasting_hazards', 'minute_end', NULL);
