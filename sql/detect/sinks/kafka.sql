-- A result as a Kafka topic: JSON, keyed by ${KEY}. A template; the job declares it once for each result.
CREATE TEMPORARY TABLE ${RESULT}_out WITH (
  'connector' = 'kafka',
  'topic' = '${TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.compression.type' = '${KAFKA_COMPRESSION}',
  'properties.max.request.size' = '${LARGEST_RECORD}',
  'properties.linger.ms' = '5',
  'key.format' = 'raw',
  'key.fields' = '${KEY}',
  'value.format' = 'json',
  'value.fields-include' = 'ALL',
  'sink.delivery-guarantee' = 'at-least-once'
) LIKE ${RESULT}_columns
