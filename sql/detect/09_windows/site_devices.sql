-- What was the risk of each device of a site in the last two minutes? One row per site, device and minute.
-- Hopping window over the minutes; devices without a site are left out.
CREATE TEMPORARY VIEW site_devices AS
SELECT
  site_id,
  device_id,
  window_start,
  window_end,
  window_time,
  MAX(held_until) AS held_until,
  MAX(worst_reading) AS worst_reading,
  MAX(max_temperature) AS max_temperature,
  MAX(risk_score) AS risk_score
FROM TABLE(HOP(TABLE minute_scored, DESCRIPTOR(minute_time), INTERVAL '1' MINUTE, INTERVAL '2' MINUTE))
WHERE site_id IS NOT NULL
GROUP BY site_id, device_id, window_start, window_end, window_time
