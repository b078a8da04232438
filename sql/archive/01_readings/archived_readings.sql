-- Which readings are archived, and in which folders? One row per reading with a valid event time. A row without one does not come
-- from the detect job; the store counts it among its refusals.
CREATE TEMPORARY VIEW archived_readings AS
SELECT
  *,
  SUBSTRING(event_time FROM 1 FOR 4) AS `year`,
  SUBSTRING(event_time FROM 6 FOR 2) AS `month`,
  SUBSTRING(event_time FROM 9 FOR 2) AS `day`,
  SUBSTRING(event_time FROM 12 FOR 2) AS `hour`
FROM readings_in
WHERE REGEXP(event_time, '${TIME}')
