-- One row per device and minute of exposure.
CREATE TABLE co_exposure_out (
  device_id      STRING,
  minute_end     STRING,
  schema_version INT,
  site_id        STRING,
  avg_co_10min   DOUBLE,
  minutes_10min  BIGINT,
  avg_co_60min   DOUBLE,
  minutes_60min  BIGINT,
  PRIMARY KEY (device_id, minute_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'co_exposure',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
