-- How do open alerts stand between their transitions? One record per alert and minute in which its count, last time or peak
-- changed; the row of an alert with transition null. Partitioned as alerts are. At least once: event_time orders the rows.
CREATE TABLE alert_state (
  alert         STRING NOT NULL
) WITH (
  'connector' = 'kinesis',
  'stream.arn' = '${KINESIS_STREAMS}${ALERT_STATE_TOPIC}',
  'aws.region' = '${KINESIS_REGION}',
  ${KINESIS_SINK_ENDPOINT}
  'sink.partitioner' = 'fixed',
  'sink.flush-buffer.timeout' = '200',
  'format' = 'raw'
)
