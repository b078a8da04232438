-- What arrived? One row per record of the telemetry topic, unchanged, with its key.
-- event_time is the message's own time, or the broker's if the message has none, or an impossible one. It is never after the
-- broker's, and so is the watermark, which is per partition: no device's clock makes other devices late. The watermark is
-- generated within the source, where only plain expressions can be evaluated.
CREATE TEMPORARY TABLE telemetry_raw (
  message          BYTES,
  record_key       BYTES,
  topic            STRING METADATA VIRTUAL,
  `partition`      INT METADATA VIRTUAL,
  `offset`         BIGINT METADATA VIRTUAL,
  record_time      TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  arrived_by       AS record_time,
  source           AS CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING)),
  proc_time        AS PROCTIME(),
  event_time       AS
${TIME_BY_ARRIVAL},
  WATERMARK FOR event_time AS event_time - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}telemetry',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.group.id' = '${CONSUMER_GROUP}',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'scan.topic-partition-discovery.interval' = '60 s',
  'scan.watermark.idle-timeout' = '${IDLE_TIMEOUT_SECONDS} s',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY'
)
