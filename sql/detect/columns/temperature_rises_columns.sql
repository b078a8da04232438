-- The columns of the temperature-rises topic; one row per device and 10 seconds while the temperature rises.
CREATE TEMPORARY TABLE temperature_rises_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  window_start STRING,
  window_end STRING,
  max_temperature DOUBLE,
  min_temperature DOUBLE,
  temperature_rise DOUBLE
)
