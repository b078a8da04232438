-- What may deserve an alert? One row per record of the candidates stream, unchanged.
-- Raw bytes, so that a record that is not a candidate reaches the dead letters with its own bytes and cannot fail the job.
-- The connector provides neither sequence number nor arrival time, so a digest of its bytes names a record. No watermark, because
-- the life cycle takes its time from the candidates.
CREATE TEMPORARY TABLE candidates_raw (
  candidate     BYTES,
  source        AS COALESCE(CONCAT('${TOPIC_PREFIX}candidates#', MD5(CAST(candidate AS STRING))), '${TOPIC_PREFIX}candidates'),
  record_time   AS CAST(NULL AS TIMESTAMP_LTZ(3))
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${TOPIC_PREFIX}candidates',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SOURCE_ENDPOINT}
  'source.init.position' = 'TRIM_HORIZON',
  'source.shard.discovery.interval' = '${KINESIS_DISCOVERY_SECONDS} s',
  'format' = 'raw'
)
