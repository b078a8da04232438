-- Which messages did the jobs refuse, and why? One row per message of the topic; `source` is where the refused one lies, as it
-- says, and `position` where this one does. A message that is no JSON gives no row; raw_in sees it.
CREATE TABLE dead_letters_in (
  source         STRING,
  schema_version INT,
  record_time    STRING,
  reason         STRING,
  message        STRING,
  topic       STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset`    BIGINT METADATA VIRTUAL,
  `position`  AS CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING))
) WITH (
  'connector' = 'kafka',
  'topic' = '${DEAD_LETTERS_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.group.id' = '${CONSUMER_GROUP}',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true',
  'json.decode.json-parser.enabled' = 'false'
)
