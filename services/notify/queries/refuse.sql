-- Records that a record of the alert topic cannot be turned into a notification.
INSERT INTO store_refusals (source, topic, reason) VALUES (%(source)s, %(topic)s, %(reason)s) ON CONFLICT DO NOTHING
