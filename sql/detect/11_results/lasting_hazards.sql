-- Which hazards last for a whole minute, though no reading is urgent? One row per device, minute and kind of hazard.
-- Selects the columns of the result from minute_hazards.
CREATE TEMPORARY VIEW lasting_hazards AS
SELECT
  device_id,
  site_id,
  minute_end,
  hazard AS alert_type,
  hazard_level AS level,
  CASE WHEN hazard = 'SENSOR_FAULT' THEN SPLIT_INDEX(sensor_fault, ' ', 0) END AS field,
  CASE WHEN hazard = 'SENSOR_FAULT' THEN TRY_CAST(SPLIT_INDEX(sensor_fault, ' ', 1) AS DOUBLE) END AS `value`,
  current_sum / current_count AS avg_current,
  avg_current_60min,
  rated_current
FROM minute_hazards
