-- How often do arcs occur? One row per device and minute with arcs in its last ${RECENT_MINUTES} minutes.
-- Hopping window over the minutes.
CREATE TEMPORARY VIEW arc_patterns AS
SELECT
  device_id,
  MAX(site_id) AS site_id,
  window_start,
  window_end,
  SUM(total_arcs) AS total_arcs_10min,
  SUM(arc_events) AS arc_events,
  MAX(max_arc_count) AS max_single_arc,
  CAST(SUM(total_arcs) AS DOUBLE) / SUM(arc_events) AS avg_arc_per_event,
  CASE
    WHEN SUM(total_arcs) > ${FREQUENT_ARCS} THEN 'HIGH_FREQUENCY'
    WHEN SUM(total_arcs) > ${MODERATE_ARCS} THEN 'MODERATE'
    ELSE 'LOW'
  END AS arc_pattern
FROM TABLE(HOP(TABLE minutes, DESCRIPTOR(minute_time), INTERVAL '1' MINUTE, INTERVAL '${RECENT_MINUTES}' MINUTE))
WHERE total_arcs > 0
GROUP BY device_id, window_start, window_end
