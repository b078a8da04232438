-- Where does the temperature rise as only fire makes it rise? One row per device and 10 seconds, while it does.
-- Highest of the newest 10 s over the lowest of the 60 s, at the rate-of-rise heat detector's figure (UL 521).
CREATE TEMPORARY VIEW temperature_rises AS
SELECT
  1 AS schema_version,
  device_id,
  site_id,
  DATE_FORMAT(TIMESTAMPADD(SECOND, -60, slice_end), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS window_start,
  DATE_FORMAT(slice_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS window_end,
  highest AS max_temperature,
  lowest_60s AS min_temperature,
  ROUND(highest - lowest_60s, 6) AS temperature_rise
FROM temperature_minutes
WHERE ROUND(highest - lowest_60s, 6) >= ${RISE_C}
