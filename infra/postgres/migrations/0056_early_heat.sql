-- Devices that warm up before they are hot.
CREATE TABLE early_heat (
    device_id        text        NOT NULL,
    window_end       timestamptz NOT NULL,
    schema_version   integer     NOT NULL,
    site_id          text,
    window_start     timestamptz NOT NULL,
    max_temperature  double precision,
    min_temperature  double precision,
    temperature_rise double precision,
    noise            double precision,
    level            text,
    PRIMARY KEY (device_id, window_end)
);
CREATE INDEX early_heat_by_time ON early_heat (window_end);
CREATE INDEX early_heat_by_site ON early_heat (site_id, window_end DESC);
COMMENT ON TABLE early_heat IS 'A device that warms up beyond its noise, one row per device and 5 seconds.';
INSERT INTO result_retention (result, time_column, days) VALUES ('early_heat', 'window_end', NULL);
