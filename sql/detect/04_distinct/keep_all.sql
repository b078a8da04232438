-- Which readings count? One row per accepted message, for a fleet that never repeats a message and whose clocks are right.
CREATE TEMPORARY VIEW readings AS
SELECT
  *,
  event_time AS steady_time,
  NOT is_late AS is_on_time
FROM scored
