"""Follows the alert topic and handles each transition once: `python examples/alert_consumer.py 127.0.0.1:9092`.

A transition may arrive twice, after a restart on either side. A real consumer therefore stores the handled keys with its
results and writes both in one transaction; this example remembers the newest keys in memory.
"""

import json
import sys
from collections import OrderedDict

from kafka import KafkaConsumer

REMEMBERED = 100_000
consumer = KafkaConsumer("alerts", bootstrap_servers=sys.argv[1:] or "127.0.0.1:9092", group_id="alert-example",
                         isolation_level="read_committed", auto_offset_reset="earliest", enable_auto_commit=False)
handled: OrderedDict[tuple[str, ...], None] = OrderedDict()

for record in consumer:
    alert = json.loads(record.value)
    key = (alert["alert_id"], alert["transition"], alert["level"])
    if alert["transition"] == "REMINDED":  # repeated every 15 minutes while the alert lasts
        key += (alert["event_time"],)
    if key not in handled:
        print(alert["transition"], alert["level"], alert["alert_type"], alert["subject"], alert["message_en"], flush=True)
        handled[key] = None
        if len(handled) > REMEMBERED:
            handled.popitem(last=False)
    consumer.commit()  # only now does Kafka consider it read
