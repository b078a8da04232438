-- The columns of the co-exposure topic; one row per device and minute of exposure.
CREATE TEMPORARY TABLE co_exposure_columns (
  schema_version INT,
  device_id STRING,
  site_id STRING,
  minute_end STRING,
  avg_co_10min DOUBLE,
  minutes_10min BIGINT,
  avg_co_60min DOUBLE,
  minutes_60min BIGINT
)
