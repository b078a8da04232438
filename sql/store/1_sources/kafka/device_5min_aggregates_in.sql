-- What were each device's five minutes? One row per message of the topic, as it says.
-- Times stay text, lists and objects become their JSON text. A message that is no JSON gives no row; raw_in sees it.
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
  topic       STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset`    BIGINT METADATA VIRTUAL,
  source      AS CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING))
) WITH (
  'connector' = 'kafka',
  'topic' = '${AGGREGATES_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.group.id' = '${CONSUMER_GROUP}',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.decode.json-parser.enabled' = 'false'
)
