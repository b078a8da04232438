-- One row per device and 10 seconds while the temperature rises.
CREATE TABLE temperature_rises_out (
  device_id        STRING,
  window_end       STRING,
  schema_version   INT,
  site_id          STRING,
  window_start     STRING,
  max_temperature  DOUBLE,
  min_temperature  DOUBLE,
  temperature_rise DOUBLE,
  PRIMARY KEY (device_id, window_end) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'url' = '${POSTGRES_URL}',
  ${POSTGRES_LOGIN}
  'table-name' = 'temperature_rises',
  'sink.buffer-flush.max-rows' = '500',
  'sink.buffer-flush.interval' = '500ms'
)
