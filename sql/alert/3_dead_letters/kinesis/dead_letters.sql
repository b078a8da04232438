-- Which candidates could not be used? One record per refused candidate: reason, position and the first bytes.
-- At least once: after a restart the same refusal may come again, with the same source.
CREATE TABLE dead_letters (
  dead_letter   STRING NOT NULL
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${DEAD_LETTERS_TOPIC}',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SINK_ENDPOINT}
  'sink.partitioner' = 'fixed',
  'sink.flush-buffer.timeout' = '200',
  'format' = 'raw'
)
