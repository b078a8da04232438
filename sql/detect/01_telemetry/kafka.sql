-- What arrived? One row per record of the telemetry topic, unchanged, with its key.
-- event_time is the message's own time, but at most ${MAX_AHEAD_HOURS} h ahead of the broker's, and the broker's if the message
-- has none. The watermark is per partition, never passes the broker's time and ignores times that are refused, so that no
-- device's clock makes other devices late. It is generated within the source, where only plain expressions can be evaluated.
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
  event_time       AS COALESCE(GREATEST(LEAST(
${MESSAGE_TIME},
    record_time + INTERVAL '${MAX_AHEAD_HOURS}' HOUR), TO_TIMESTAMP_LTZ(0, 3)), record_time),
  WATERMARK FOR event_time AS IF(event_time >= record_time + INTERVAL '${MAX_AHEAD_HOURS}' HOUR, TO_TIMESTAMP_LTZ(0, 3),
    LEAST(event_time, record_time)) - INTERVAL '${LATENESS_SECONDS}' SECOND
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
