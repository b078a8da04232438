-- Which readings are stored? One row per device, idx and event time: the first that arrived.
CREATE TEMPORARY VIEW readings AS
SELECT *
FROM compared
WHERE NOT is_conflict
