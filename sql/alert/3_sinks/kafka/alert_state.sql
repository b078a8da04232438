-- How do open alerts stand between their transitions? One message per alert and minute in which its count, last time or peak
-- changed, keyed by alert_id; the row of an alert with transition null, for those who store it.
-- At least once: a repeated row says the same, and a later one always knows more (event_time orders them).
CREATE TABLE alert_state (
  alert_id      STRING NOT NULL,
  alert         STRING NOT NULL
) WITH (
  'connector' = 'kafka',
  'topic' = '${ALERT_STATE_TOPIC}',
  'properties.bootstrap.servers' = '${KAFKA_BROKERS}',
  ${KAFKA_SECURITY}
  'properties.compression.type' = '${KAFKA_COMPRESSION}',
  'properties.max.request.size' = '${LARGEST_RECORD}',
  'key.format' = 'raw',
  'key.fields' = 'alert_id',
  'value.format' = 'raw',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.delivery-guarantee' = 'at-least-once'
)
