-- What arrived? One row per record of the telemetry stream, untouched.
-- The connector gives neither partition key nor sequence number nor arrival time: a declared metadata column would make it fail
-- every record. So device and event time are the message's own, a record is named by a digest of its bytes, and its arrival is
-- the moment at which it is read: event_time is one hour ahead of that at the latest, 1970 where there is none (the decoder
-- refuses both), and the watermark never passes it. Watermarks are kept per reader, not per shard: hence the lateness of its own.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      AS CONCAT('${TOPIC_PREFIX}telemetry#', MD5(CAST(message AS STRING))),
  arrived_by  AS CURRENT_TIMESTAMP,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS COALESCE(GREATEST(LEAST(
${MESSAGE_TIME},
    CURRENT_TIMESTAMP + INTERVAL '1' HOUR), TO_TIMESTAMP_LTZ(0, 3)), TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS IF(event_time >= CURRENT_TIMESTAMP + INTERVAL '1' HOUR, TO_TIMESTAMP_LTZ(0, 3),
    LEAST(event_time, CURRENT_TIMESTAMP)) - INTERVAL '${KINESIS_LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${TOPIC_PREFIX}telemetry',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SOURCE_ENDPOINT}
  'source.init.position' = '${KINESIS_POSITION}',
  'source.shard.discovery.interval' = '${KINESIS_DISCOVERY_SECONDS} s',
  'format' = 'raw'
)
