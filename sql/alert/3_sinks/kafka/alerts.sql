-- Which transitions do people and systems hear of? One message per transition, keyed by subject; the value is the JSON
-- that the life cycle made, byte for byte.
-- With exactly-once the messages of a checkpoint become visible together when it completes, to consumers that read with
-- isolation.level=read_committed; others see aborted ones too. With at-least-once they are visible at once, and after a
-- restart some come again with the same (alert_id, transition). The transaction timeout stays below the broker's 15 min.
CREATE TABLE alerts (
  subject       STRING NOT NULL,
  alert         STRING NOT NULL
) WITH (
  'connector' = 'kafka',
  'topic' = '${ALERTS_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.compression.type' = '${KAFKA_COMPRESSION}',
  'properties.max.request.size' = '${LARGEST_RECORD}',
  'properties.transaction.timeout.ms' = '600000',
  'key.format' = 'raw',
  'key.fields' = 'subject',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = '${ALERT_DELIVERY}',
  'sink.transactional-id-prefix' = '${ALERT_TRANSACTIONS}'
)
