-- The patterns of an hour with their figures: how often, how long, how far and when, and what to do.
ALTER TABLE device_patterns
    ADD COLUMN arc_frequency double precision,
    ADD COLUMN total_arcs bigint,
    ADD COLUMN max_arc_count bigint,
    ADD COLUMN dominant_period_minutes double precision,
    ADD COLUMN rapid_risk_change double precision,
    ADD COLUMN rapid_risk_change_at timestamptz,
    ADD COLUMN high_risk_minutes bigint,
    ADD COLUMN max_temperature double precision,
    ADD COLUMN min_temperature double precision,
    ADD COLUMN max_risk_score double precision,
    ADD COLUMN min_risk_score double precision,
    ADD COLUMN avg_risk_score double precision,
    ADD COLUMN anomalies text,
    ADD COLUMN anomaly_count bigint,
    ADD COLUMN recommendations jsonb;
