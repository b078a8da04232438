"""Measures from Kafka's offsets how far the jobs are behind their topics and how fast a topic grows."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from contract import consumers
from core import kafka_login
from core.settings import Settings

SHOWN = ("telemetry", "candidates", "readings", "alerts", "device-minutes")
"""The topics whose lag is measured; the store job reads further topics at the same pace."""
READERS = tuple(reader for reader in consumers.READERS if reader.group in ("detect", "alert", "store"))
RATE_SECONDS = 30.0
TIMEOUTS: dict[str, Any] = {"bootstrap_timeout_ms": 2_000, "request_timeout_ms": 4_000}


class Offsets:
    """Reads offsets from a broker; connects on first use and again after `close`; not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._brokers, self._settings = settings.kafka_brokers.split(","), settings
        self._group, self._topic = settings.consumer_group, settings.topic
        self._clients: tuple[KafkaConsumer, KafkaAdminClient] | None = None
        self._past: dict[str, deque[tuple[float, int]]] = {}

    def close(self) -> None:
        """Closes the connection."""
        if self._clients:
            for client in self._clients:
                client.close()
        self._clients = None

    def lag(self) -> list[dict[str, Any]]:
        """Returns for each job and topic the number of messages between the offsets of its last checkpoint and the end."""
        read = [(reader.group_id(self._group), topic) for reader in READERS for topic in reader.read(SHOWN)]
        return [{"group": group, "topic": self._topic(topic), "lag": self._behind(group, topic)} for group, topic in read]

    def rate(self, topic: str) -> float | None:
        """Returns the messages per second over the last half minute; None if the first call was less than a second ago."""
        past, now = self._past.setdefault(topic, deque()), time.monotonic()
        past.append((now, sum(self._ends(topic).values())))
        while now - past[0][0] > RATE_SECONDS:
            past.popleft()
        (began, first), (_, last) = past[0], past[-1]
        return max(last - first, 0) / (now - began) if now - began >= 1 else None

    def _behind(self, group: str, topic: str) -> int:
        committed = self._connected()[1].list_group_offsets(group).get(group, {})
        return sum(max(end - max(committed[partition].offset, 0), 0) if partition in committed else end
                   for partition, end in self._ends(topic).items())

    def _ends(self, topic: str) -> dict[TopicPartition, int]:
        consumer = self._connected()[0]
        name = self._topic(topic)
        partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
        return dict(consumer.end_offsets(partitions)) if partitions else {}

    def _connected(self) -> tuple[KafkaConsumer, KafkaAdminClient]:
        if self._clients is None:
            security = kafka_login.client(self._settings)
            consumer = KafkaConsumer(bootstrap_servers=self._brokers, group_id=None, **TIMEOUTS, **security)
            self._clients = consumer, KafkaAdminClient(bootstrap_servers=self._brokers, **TIMEOUTS, **security)
        return self._clients
