-- Every usable minute of exposure.
INSERT INTO co_exposure_out (
  device_id, minute_end, schema_version, site_id, avg_co_10min, minutes_10min, avg_co_60min, minutes_60min
)
SELECT
  device_id, minute_end, schema_version, site_id, avg_co_10min, minutes_10min, avg_co_60min, minutes_60min
FROM derived_checked
WHERE kind = 'co_exposure' AND fault IS NULL
