-- What lies on the result topics at all? One row per message, untouched, to find those that the JSON sources pass over.
CREATE TABLE raw_in (
  message     BYTES,
  topic       STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset`    BIGINT METADATA VIRTUAL,
  source      AS CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING))
) WITH (
  'connector' = 'kafka',
  'topic' = '${ALL_TOPICS}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.group.id' = '${RAW_GROUP}',
  'properties.isolation.level' = 'read_committed',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'format' = 'raw'
)
