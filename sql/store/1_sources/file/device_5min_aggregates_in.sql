-- What were each device's five minutes? One row per message of the topic, as it says.
-- From files of JSON lines; a line has no offset, so its source is named by a digest of its key.
CREATE TABLE device_5min_aggregates_in (
  device_id       STRING,
  window_end      STRING,
  schema_version  INT,
  site_id         STRING,
  window_start    STRING,
  avg_temperature DOUBLE,
  max_temperature DOUBLE,
  min_temperature DOUBLE,
  temp_stddev     DOUBLE,
  avg_risk_score  DOUBLE,
  max_risk_score  DOUBLE,
  total_arcs      BIGINT,
  avg_current     DOUBLE,
  max_current     DOUBLE,
  record_count    BIGINT,
  topic  AS 'device-5min-aggregates',
  source AS CONCAT('device-5min-aggregates#', MD5(CONCAT_WS('|', device_id, window_end)))
) WITH (
  'connector' = 'filesystem',
  'path' = '${FILE_INPUT}/device_5min_aggregates.jsonl',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.decode.json-parser.enabled' = 'false'
)
