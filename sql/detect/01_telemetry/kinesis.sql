-- What arrived? One row per record of the telemetry stream, unchanged.
-- The connector provides neither partition key nor sequence number nor arrival time; a metadata column would make every record
-- fail. So a digest of its bytes names a record, and its arrival is the moment of reading, with which event_time is found as in
-- kafka.sql. Watermarks are per reader, not per shard, so that Kinesis has a lateness of its own.
CREATE TEMPORARY TABLE telemetry_raw (
  message     BYTES,
  record_key  AS CAST(NULL AS BYTES),
  source      AS CONCAT('${TOPIC_PREFIX}telemetry#', MD5(CAST(message AS STRING))),
  arrived_by  AS CURRENT_TIMESTAMP,
  record_time AS CURRENT_TIMESTAMP,
  proc_time   AS PROCTIME(),
  event_time  AS
${TIME_BY_ARRIVAL},
  WATERMARK FOR event_time AS event_time - INTERVAL '${KINESIS_LATENESS_SECONDS}' SECOND
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${TOPIC_PREFIX}telemetry',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SOURCE_ENDPOINT}
  'source.init.position' = '${KINESIS_POSITION}',
  'source.shard.discovery.interval' = '${KINESIS_DISCOVERY_SECONDS} s',
  'format' = 'raw'
)
