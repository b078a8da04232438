-- Which candidates could not be used? One message per refused candidate: reason, position and the first bytes.
-- At least once: after a restart the same refusal may come again, with the same source.
CREATE TABLE dead_letters (
  dead_letter   STRING NOT NULL
) WITH (
  'connector' = 'kafka',
  'topic' = '${DEAD_LETTERS_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.compression.type' = '${KAFKA_COMPRESSION}',
  'properties.max.request.size' = '${LARGEST_RECORD}',
  'format' = 'raw',
  'sink.delivery-guarantee' = 'at-least-once'
)
