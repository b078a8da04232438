INSERT INTO arc_patterns_out (
  schema_version,
  device_id,
  site_id,
  window_start,
  window_end,
  total_arcs_10min,
  arc_events,
  max_single_arc,
  avg_arc_per_event,
  arc_pattern
)
SELECT
  schema_version,
  device_id,
  site_id,
  window_start,
  window_end,
  total_arcs_10min,
  arc_events,
  max_single_arc,
  avg_arc_per_event,
  arc_pattern
FROM arc_patterns
