-- Where does the temperature rise as only fire makes it rise? One row per device and 10 seconds, while it does.
-- Highest of the newest 10 s over the lowest of the 60 s, at the rate-of-rise heat detector's figure (UL 521).
CREATE TEMPORARY VIEW temperature_rises AS
SELECT
  device_id,
  site_id,
  TIMESTAMPADD(SECOND, -${RISE_SECONDS}, slice_end) AS window_start,
  slice_end AS window_end,
  highest AS max_temperature,
  lowest_60s AS min_temperature,
  ROUND(highest - lowest_60s, 6) AS temperature_rise
FROM temperature_minutes
WHERE ROUND(highest - lowest_60s, 6) >= ${RISE_C}
