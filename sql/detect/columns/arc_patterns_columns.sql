-- The columns of the arc-patterns topic; one row per device and minute with arcs in its last ten.
CREATE TEMPORARY TABLE arc_patterns_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  total_arcs_10min BIGINT,
  arc_events BIGINT,
  max_single_arc BIGINT,
  avg_arc_per_event DOUBLE,
  arc_pattern STRING
)
