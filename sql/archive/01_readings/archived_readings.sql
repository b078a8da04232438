-- Which readings are archived, and below which folders? One row per reading with a usable time: one without cannot be of the
-- detect job, and the store counts it among its refusals.
CREATE TEMPORARY VIEW archived_readings AS
SELECT
  *,
  SUBSTRING(event_time FROM 1 FOR 4) AS `year`,
  SUBSTRING(event_time FROM 6 FOR 2) AS `month`,
  SUBSTRING(event_time FROM 9 FOR 2) AS `day`,
  SUBSTRING(event_time FROM 12 FOR 2) AS `hour`
FROM readings_in
WHERE REGEXP(event_time, '${TIME}')
