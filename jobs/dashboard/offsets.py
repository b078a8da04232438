"""How far the jobs are behind their topics, and how fast a topic grows, by Kafka's offsets."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from contract import consumers
from jobs import kafka_security
from jobs.settings import Settings

SHOWN = ("telemetry", "candidates", "readings", "alerts", "device-minutes")
"""The topics that say how far behind a job is; the store reads more, at the same pace."""
READERS = tuple(reader for reader in consumers.READERS if reader.group in ("detect", "alert", "store"))
RATE_SECONDS = 30.0
TIMEOUTS: dict[str, Any] = {"bootstrap_timeout_ms": 2_000, "request_timeout_ms": 4_000}


class Offsets:
    """Asks a broker; connects when it is first asked, and anew after `close`. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._brokers, self._settings = settings.kafka_brokers.split(","), settings
        self._group, self._topic = settings.consumer_group, settings.topic
        self._clients: tuple[KafkaConsumer, KafkaAdminClient] | None = None
        self._past: dict[str, deque[tuple[float, int]]] = {}

    def close(self) -> None:
        """Forgets the connection."""
        if self._clients:
            for client in self._clients:
                client.close()
        self._clients = None

    def lag(self) -> list[dict[str, Any]]:
        """Messages between what a job has committed, at its last checkpoint, and the end of its topics."""
        read = [(reader.group_id(self._group), topic) for reader in READERS for topic in reader.read(SHOWN)]
        return [{"group": group, "topic": self._topic(topic), "lag": self._behind(group, topic)} for group, topic in read]

    def rate(self, topic: str) -> float | None:
        """Messages a second over the last half minute; None at the first call."""
        past, now = self._past.setdefault(topic, deque()), time.monotonic()
        past.append((now, sum(self._ends(topic).values())))
        while now - past[0][0] > RATE_SECONDS:
            past.popleft()
        (began, first), (_, last) = past[0], past[-1]
        return max(last - first, 0) / (now - began) if now - began >= 1 else None

    def _behind(self, group: str, topic: str) -> int:
        committed = self._connected()[1].list_group_offsets(group).get(group, {})
        return sum(max(end - max(committed[place].offset, 0), 0) if place in committed else end
                   for place, end in self._ends(topic).items())

    def _ends(self, topic: str) -> dict[TopicPartition, int]:
        consumer = self._connected()[0]
        name = self._topic(topic)
        places = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return dict(consumer.end_offsets(places)) if places else {}

    def _connected(self) -> tuple[KafkaConsumer, KafkaAdminClient]:
        if self._clients is None:
            security = kafka_security.client(self._settings)
            consumer = KafkaConsumer(bootstrap_servers=self._brokers, group_id=None, **TIMEOUTS, **security)
            self._clients = consumer, KafkaAdminClient(bootstrap_servers=self._brokers, **TIMEOUTS, **security)
        return self._clients
