-- A result as a Kinesis stream: JSON, its partition key ${KEY}. A template; the job declares it once for each result.
-- At least once: what could not be written is written again, and a restart repeats what came after its checkpoint.
CREATE TEMPORARY TABLE ${RESULT}_out PARTITIONED BY (${KEY}) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${TOPIC}',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SINK_ENDPOINT}
  'sink.flush-buffer.timeout' = '200',
  'format' = 'json'
) LIKE ${RESULT}_columns
