-- Which event time has a message whose arrival is unknown, but which is no newer than NEWEST_MS (epoch milliseconds)? Its own time; the
-- end of 2014 if it has none, or if its own is newer or before ${EARLIEST_MS} (2015): the decoder refuses these, and none moves the
-- watermark. MOD makes the number after the newest one the same as the number before the earliest one, as in time_by_arrival.sql.
TO_TIMESTAMP_LTZ(${EARLIEST_MS} - 1 + COALESCE(MOD(
  LEAST(GREATEST((
${MESSAGE_TIME}
  ) - ${EARLIEST_MS}, -1), GREATEST(${NEWEST_MS} - ${EARLIEST_MS} + 1, 0)) + 1,
  GREATEST(${NEWEST_MS} - ${EARLIEST_MS} + 1, 0) + 1), 0), 3)
