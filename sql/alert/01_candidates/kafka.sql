-- What may deserve an alert? One row per record of the candidates topic, unchanged.
-- Raw bytes, so that a record that is not a candidate reaches the dead letters with its own bytes and cannot fail the job.
-- No watermark, because the life cycle takes its time from the candidates. Starts at the offsets of the last checkpoint.
CREATE TEMPORARY TABLE candidates_raw (
  candidate     BYTES,
  `topic`       STRING NOT NULL METADATA VIRTUAL,
  `partition`   INT NOT NULL METADATA VIRTUAL,
  `offset`      BIGINT NOT NULL METADATA VIRTUAL,
  source        AS `topic` || '[' || CAST(`partition` AS STRING) || ']@' || CAST(`offset` AS STRING),
  record_time   TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC_PREFIX}candidates',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.group.id' = '${CONSUMER_GROUP}',
  'properties.auto.offset.reset' = 'earliest',
  'scan.startup.mode' = 'group-offsets',
  'scan.topic-partition-discovery.interval' = '60 s',
  'format' = 'raw'
)
