"""Metrics from Kafka: how many records each topic has received, and how far each consumer group is behind."""

from __future__ import annotations

import time
from collections import defaultdict

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from prometheus_client import Metric

from contract import consumers
from contract.topics import TOPICS
from core import kafka_login
from core.settings import Settings
from services.metrics.collector import Labels, UnavailableError, counter, gauge

LOOK_SECONDS = 3.0
LOOK_BYTES = 65_536
Offsets = dict[TopicPartition, int]


class Topics:
    """Connections to the brokers, opened on first use and reopened after a failure; not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: KafkaConsumer | None = None
        self._admin: KafkaAdminClient | None = None

    def read(self) -> list[Metric]:
        """Returns the metric families of all topics and groups.

        Raises:
            UnavailableError: no broker answers.
        """
        try:
            return self._read()
        except KafkaError as problem:
            self.close()
            raise UnavailableError(f"Kafka at {self._settings.kafka_brokers}: {problem}") from problem

    def close(self) -> None:
        """Closes the connections."""
        for each in (self._consumer, self._admin):
            if each is not None:
                each.close()
        self._consumer = self._admin = None

    def _read(self) -> list[Metric]:
        consumer, admin = self._connections()
        partitions = [TopicPartition(self._settings.topic(topic.name), number) for topic in TOPICS
                      for number in sorted(consumer.partitions_for_topic(self._settings.topic(topic.name)) or ())]
        ends = consumer.end_offsets(partitions)
        records: dict[Labels, float] = defaultdict(float)
        for partition, offset in ends.items():
            records[(self._name(partition),)] += offset
        behind = {reader.group: _behind(ends, self._committed(admin, reader)) for reader in consumers.READERS}
        return [counter("fire_topic_records", "records ever written to a topic, with transaction markers", ("topic",), records),
                *self._lags(consumer, behind)]

    def _lags(self, consumer: KafkaConsumer, behind: dict[str, dict[TopicPartition, tuple[int, int]]]) -> list[Metric]:
        records: dict[Labels, float] = defaultdict(float)
        waits: dict[Labels, float] = defaultdict(float)
        for group, partitions in behind.items():
            waiting = self._waiting_since(consumer, {each: start for each, (start, end) in partitions.items() if end > start})
            for partition, (start, end) in partitions.items():
                labels = (group, self._name(partition))
                records[labels] += end - start
                waits[labels] = max(waits[labels], time.time() - waiting.get(partition, float("inf")), 0.0)
        return [gauge("fire_consumer_lag_records", "records behind the group's committed offsets", ("group", "topic"), records),
                gauge("fire_consumer_lag_seconds", "age of the oldest uncommitted record", ("group", "topic"),
                      waits)]

    def _name(self, partition: TopicPartition) -> str:
        return str(partition.topic).removeprefix(self._settings.topic_prefix)

    def _connections(self) -> tuple[KafkaConsumer, KafkaAdminClient]:
        brokers, security = self._settings.kafka_brokers.split(","), kafka_login.client(self._settings)
        if self._consumer is None:
            self._consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=None, enable_auto_commit=False,
                                           client_id="fire-metrics", auto_offset_reset="earliest",
                                           isolation_level="read_committed", max_partition_fetch_bytes=LOOK_BYTES, **security)
        if self._admin is None:
            self._admin = KafkaAdminClient(bootstrap_servers=brokers, client_id="fire-metrics", **security)
        return self._consumer, self._admin

    def _committed(self, admin: KafkaAdminClient, reader: consumers.Reader) -> Offsets:
        """Returns the offsets that a group has committed; empty if it never committed any."""
        name = reader.group_id(self._settings.consumer_group)
        offsets = admin.list_group_offsets(name)[name]
        return {partition: each.offset for partition, each in offsets.items() if each.offset >= 0}

    def _waiting_since(self, consumer: KafkaConsumer, offsets: Offsets) -> dict[TopicPartition, float]:
        """Returns when the first record at or after each offset was written, in epoch seconds; omits partitions without one."""
        written: dict[TopicPartition, float] = {}
        consumer.assign(list(offsets))
        for partition, offset in offsets.items():
            consumer.seek(partition, offset)
        deadline = time.monotonic() + LOOK_SECONDS
        while len(written) < len(offsets) and time.monotonic() < deadline:
            for partition, records in consumer.poll(timeout_ms=200).items():
                written.setdefault(partition, records[0].timestamp / 1000)
        return written


def _behind(ends: Offsets, committed: Offsets) -> dict[TopicPartition, tuple[int, int]]:
    """Returns the committed and the end offset of each partition that has both."""
    return {partition: (offset, ends[partition]) for partition, offset in committed.items() if partition in ends}
