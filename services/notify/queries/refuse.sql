-- Notes a record of the alert topic that no notification can be made of.
INSERT INTO store_refusals (source, topic, reason) VALUES (%(source)s, %(topic)s, %(reason)s) ON CONFLICT DO NOTHING
