-- Which readings count? One row per device, idx and event time: the first that arrived.
CREATE TEMPORARY VIEW readings AS
SELECT *, rowtime AS event_time
FROM first_arrivals(
  input => (SELECT * FROM scored) PARTITION BY device_id,
  minutes => ${DEDUPLICATE_MINUTES},
  on_time => DESCRIPTOR(event_time),
  uid => 'first_arrivals')
