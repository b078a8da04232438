-- One row per device and minute with arcs in its last ten.
CREATE TABLE arc_patterns_out (
  device_id         STRING,
  window_end        STRING,
  schema_version    INT,
  site_id           STRING,
  window_start      STRING,
  total_arcs_10min  BIGINT,
  arc_events        BIGINT,
  max_single_arc    BIGINT,
  avg_arc_per_event DOUBLE,
  arc_pattern       STRING,
  PRIMARY KEY (device_id, window_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'arc_patterns',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
