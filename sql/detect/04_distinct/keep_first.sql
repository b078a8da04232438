-- Which readings count? One row per device, idx and event time: the first that arrived.
-- Keep-first deduplication in processing time, which delays nothing; duplicates are recognised for the job's state retention.
CREATE TEMPORARY VIEW readings AS
SELECT *
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY device_id, idx, event_time ORDER BY proc_time) AS arrival
  FROM scored
)
WHERE arrival = 1
