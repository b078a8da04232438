-- What was measured, and how risky is it? One row per accepted message, duplicates included.
-- SCORED_COLUMNS stands for the columns that views read, with the reading and its candidate as finished messages if the sinks
-- take these, and for all columns of a reading otherwise.
CREATE TEMPORARY VIEW scored AS
SELECT
  event_time,
  proc_time,
  record_time,
  source,
  message,
  r.content AS content,
  ${SCORED_COLUMNS}
FROM decoded
WHERE r.reason IS NULL
