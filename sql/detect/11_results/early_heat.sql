-- Where does a fire perhaps begin? One row per device and slice in which its temperature has risen by ${EARLY_C} °C within
-- ${RISE_SECONDS} s and far beyond its own noise. Selects the columns of the result from warming_devices.
CREATE TEMPORARY VIEW early_heat AS
SELECT
  device_id,
  site_id,
  TIMESTAMPADD(SECOND, -${RISE_SECONDS}, slice_end) AS window_start,
  slice_end AS window_end,
  highest AS max_temperature,
  lowest_60s AS min_temperature,
  temperature_rise,
  noise,
  level
FROM warming_devices
