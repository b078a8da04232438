-- Every usable rise of temperature.
INSERT INTO temperature_rises_out (
  device_id, window_end, schema_version, site_id, window_start, max_temperature, min_temperature, temperature_rise
)
SELECT
  device_id, window_end, schema_version, site_id, window_start, max_temperature, min_temperature, temperature_rise
FROM derived_checked
WHERE kind = 'temperature_rises' AND fault IS NULL
