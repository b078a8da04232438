-- Which transitions do people and systems hear of? One record per transition, the JSON that the life cycle made, byte for byte.
-- The raw format holds one column, so the subject cannot be the partition key. The fixed partitioner gives each writer a key of
-- its own, and a subject has one writer: its transitions stay in order until the job's parallelism changes. At least once.
CREATE TABLE alerts (
  alert         STRING NOT NULL
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${ALERTS_TOPIC}',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SINK_ENDPOINT}
  'sink.partitioner' = 'fixed',
  'sink.flush-buffer.timeout' = '200',
  'format' = 'raw'
)
