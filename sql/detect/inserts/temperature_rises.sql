INSERT INTO temperature_rises_out (
  schema_version,
  device_id,
  site_id,
  window_start,
  window_end,
  max_temperature,
  min_temperature,
  temperature_rise
)
SELECT
  schema_version,
  device_id,
  site_id,
  window_start,
  window_end,
  max_temperature,
  min_temperature,
  temperature_rise
FROM temperature_rises
