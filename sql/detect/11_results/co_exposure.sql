-- Where is the exposure to carbon monoxide too high? One row per device and minute of exposure.
-- Selects the minutes that minute_findings marks by the curve of EN 50291: the mean of the short window or of the hour, if most
-- of its minutes have readings.
CREATE TEMPORARY VIEW co_exposure AS
SELECT
  device_id,
  site_id,
  minute_end,
  avg_co_10min,
  minutes_10min,
  avg_co_60min,
  minutes_60min
FROM minute_findings
WHERE is_exposed
