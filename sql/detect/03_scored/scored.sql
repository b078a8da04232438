-- What was measured, and how risky is it? One row per accepted message, duplicates included.
-- SCORED_COLUMNS stands for the other columns of a reading.
CREATE TEMPORARY VIEW scored AS
SELECT
  r.device_id AS device_id,
  r.idx AS idx,
  event_time,
  proc_time,
  ${SCORED_COLUMNS},
  r.limits AS limits,
  r.is_held AS is_held,
  r.held_until AS held_until
FROM decoded
WHERE r.reason IS NULL
