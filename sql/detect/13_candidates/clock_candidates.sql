-- Which devices' clocks have been more than ${CLOCK_WRONG_S} s wrong for ${CLOCK_MINUTES} minutes with readings? One row per device
-- and minute. The offset of a backlog shrinks from minute to minute as it is sent, while that of a wrong clock does not.
CREATE TEMPORARY VIEW clock_candidates AS
SELECT
  device_id AS subject,
  site_id,
  'clock_minutes' AS cause,
  'DEVICE_CLOCK' AS alert_type,
  'MEDIUM' AS level,
  risk_score,
  minute_end AS event_time,
  min_clock_offset,
  worst_reading,
  profile_version,
  held_until
FROM clock_minutes
WHERE wrong_minutes = ${CLOCK_MINUTES} AND min_clock_offset >= largest_clock_offset - ${CLOCK_WRONG_S}
