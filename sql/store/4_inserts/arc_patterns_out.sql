-- Every usable pattern of arcs.
INSERT INTO arc_patterns_out (
  device_id, window_end, schema_version, site_id, window_start, total_arcs_10min, arc_events, max_single_arc,
  avg_arc_per_event, arc_pattern
)
SELECT
  device_id, window_end, schema_version, site_id, window_start, total_arcs_10min, arc_events, max_single_arc,
  avg_arc_per_event, arc_pattern
FROM derived_checked
WHERE kind = 'arc_patterns' AND fault IS NULL
