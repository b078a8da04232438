-- What arrived? One row per message of the telemetry topic, untouched.
-- event_time is the message's own time, the broker's where there is none, and 1970 where it lies more than an hour ahead of the
-- broker's: the decoder refuses that. (ARRAY_REMOVE is a NULLIF that evaluates its argument once.) The watermark never passes
-- the broker's time, so no device's clock can make the others late; it is kept per partition.
CREATE TABLE telemetry_raw (
  message          BYTES,
  topic            STRING METADATA VIRTUAL,
  `partition`      INT METADATA VIRTUAL,
  `offset`         BIGINT METADATA VIRTUAL,
  record_time      TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  arrived_by       AS record_time,
  source           AS CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING)),
  proc_time        AS PROCTIME(),
  event_time       AS COALESCE(ARRAY_REMOVE(ARRAY[LEAST(GREATEST(COALESCE(
${MESSAGE_TIME},
    record_time), TO_TIMESTAMP_LTZ(0, 3)), record_time + INTERVAL '61' MINUTE)],
    record_time + INTERVAL '61' MINUTE)[1], TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS LEAST(event_time, record_time) - INTERVAL '${LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}telemetry',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  'properties.group.id' = '${CONSUMER_GROUP}-detect',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'scan.topic-partition-discovery.interval' = '60 s',
  'scan.watermark.idle-timeout' = '${IDLE_TIMEOUT_SECONDS} s',
  'format' = 'raw'
)
