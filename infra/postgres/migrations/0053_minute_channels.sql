-- A minute keeps the sums of leakage and of the temperatures' difference, and the figures of its hour that its risk rests on.
ALTER TABLE device_minutes
    ADD COLUMN min_voltage_low double precision,
    ADD COLUMN leakage_count bigint,
    ADD COLUMN leakage_sum double precision,
    ADD COLUMN max_leakage double precision,
    ADD COLUMN resistive_leakage_count bigint,
    ADD COLUMN resistive_leakage_sum double precision,
    ADD COLUMN imbalance_count bigint,
    ADD COLUMN imbalance_sum double precision,
    ADD COLUMN context_minutes bigint,
    ADD COLUMN record_count_60min bigint,
    ADD COLUMN avg_temperature_60min double precision,
    ADD COLUMN temp_stddev_60min double precision,
    ADD COLUMN avg_indicator_60min double precision;
