INSERT INTO co_exposure_out (
  schema_version,
  device_id,
  site_id,
  minute_end,
  avg_co_10min,
  minutes_10min,
  avg_co_60min,
  minutes_60min
)
SELECT
  schema_version,
  device_id,
  site_id,
  minute_end,
  avg_co_10min,
  minutes_10min,
  avg_co_60min,
  minutes_60min
FROM co_exposure
