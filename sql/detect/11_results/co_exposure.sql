-- Where do people breathe too much carbon monoxide? One row per device and minute of exposure.
-- EN 50291's curve: the mean of ten minutes or of an hour, with most of their minutes present.
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
