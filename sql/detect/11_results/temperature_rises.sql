-- Where does the temperature rise as steeply as only a fire makes it? One row per device and slice during the rise.
-- The highest temperature of the newest slice minus the lowest within ${RISE_SECONDS} s reaches RISE_C, the figure of
-- rate-of-rise heat detectors (UL 521).
CREATE TEMPORARY VIEW temperature_rises AS
SELECT
  device_id,
  site_id,
  TIMESTAMPADD(SECOND, -${RISE_SECONDS}, slice_end) AS window_start,
  slice_end AS window_end,
  highest AS max_temperature,
  lowest_60s AS min_temperature,
  ROUND(highest - lowest_60s, ${DECIMALS}) AS temperature_rise
FROM temperature_minutes
WHERE ROUND(highest - lowest_60s, ${DECIMALS}) >= ${RISE_C}
