-- Which readings count? One row per device, idx and event time, the first that arrived, and one per repetition of other content.
-- The Java function first_arrivals remembers each device's readings of the last ${DEDUPLICATE_MINUTES} minutes of event time, and
-- delays nothing. It returns all columns of scored but proc_time and message, and adds steady_time, the event time of windows,
-- and is_on_time: a clock that is steadily slow is counted by arrival. A row that repeats another one, but not its content, has
-- is_conflict, and the columns of a dead letter. An argument on_time would make Flink drop late readings.
CREATE TEMPORARY VIEW compared AS
SELECT *
FROM first_arrivals(
  readings => (SELECT * FROM scored) PARTITION BY device_id,
  minutes => ${DEDUPLICATE_MINUTES},
  lateness => ${LATENESS_SECONDS},
  uid => 'first_arrivals')
