-- Which event time has a message that arrived at ARRIVED_MS (epoch milliseconds)? Its own time, or its arrival if it has none, or if
-- its own is in the future, before ${EARLIEST_MS} (2015) or more than ${OLDEST_MS} ms before its arrival.
-- What counts is how long before its arrival the message was measured; MOD makes the longest span, to which longer ones are cut,
-- 0. So Flink, which evaluates an expression as often as it is written, reads the message once. The decoder computes the same
-- (udfs/readings/clocks.py).
TO_TIMESTAMP_LTZ(${ARRIVED_MS} - COALESCE(MOD(
  LEAST(GREATEST(${ARRIVED_MS} - (
${MESSAGE_TIME}
  ), 0), GREATEST(LEAST(
    ${ARRIVED_MS} - ${EARLIEST_MS}, ${OLDEST_MS}) + 1, 1)),
  GREATEST(LEAST(
    ${ARRIVED_MS} - ${EARLIEST_MS}, ${OLDEST_MS}) + 1, 1)), 0), 3)
