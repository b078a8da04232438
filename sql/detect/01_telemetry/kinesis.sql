-- What arrived? One row per record of the telemetry stream, unchanged.
-- The connector provides neither partition key nor sequence number nor arrival time; a metadata column would make every record
-- fail. So a digest of its bytes names a record, and its arrival is the moment of reading: event_time is at most
-- ${MAX_AHEAD_HOURS} h ahead of it, and 1970 if the message has no time (the decoder refuses both), and the watermark never
-- passes it. Watermarks are per reader, not per shard, so that Kinesis has a lateness of its own.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      AS CONCAT('${TOPIC_PREFIX}telemetry#', MD5(CAST(message AS STRING))),
  arrived_by  AS CURRENT_TIMESTAMP,
  record_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  proc_time   AS PROCTIME(),
  event_time  AS COALESCE(GREATEST(LEAST(
${MESSAGE_TIME},
    CURRENT_TIMESTAMP + INTERVAL '${MAX_AHEAD_HOURS}' HOUR), TO_TIMESTAMP_LTZ(0, 3)), TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS IF(event_time >= CURRENT_TIMESTAMP + INTERVAL '${MAX_AHEAD_HOURS}' HOUR, TO_TIMESTAMP_LTZ(0, 3),
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
