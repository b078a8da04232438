"""Consumes candidates and alerts as a downstream consumer does, and notes when each arrived."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from commands.demo.watch import Arrival
from core.settings import Settings

POLL_MS = 200
READINGS = "readings"
"""The cause of candidates and alerts that come from single readings; all other causes are windows."""


@dataclass(frozen=True)
class Selection:
    """Which arrivals count: those of subjects with a prefix, by cause, with event times within a span of epoch seconds."""

    prefix: str
    of_readings: bool
    since: float = 0.0
    until: float = float("inf")

    def of(self, arrivals: Iterable[Arrival]) -> list[int]:
        """Returns the milliseconds from event to arrival of each selected arrival."""
        return [each.latency_ms for each in arrivals if self._counts(each)]

    def _counts(self, arrival: Arrival) -> bool:
        row = arrival.alert
        return (str(row["subject"]).startswith(self.prefix) and (row["cause"] == READINGS) == self.of_readings
                and self.since <= arrival.event_ms / 1000 < self.until)


class Listener:
    """Consumes the topics of candidates and alerts in a thread of its own, from their ends at the start of a block."""

    def __init__(self, settings: Settings) -> None:
        self.candidates: list[Arrival] = []
        self.alerts: list[Arrival] = []
        self._receive = {settings.topic("candidates"): self._candidate, settings.topic("alerts"): self._alert}
        self._consumer = consumer(settings)
        self._consumer.assign(partitions(self._consumer, *self._receive))
        self._consumer.seek_to_end()
        for partition in self._consumer.assignment():
            self._consumer.position(partition)
        self._stop = threading.Event()
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._problem:
            raise self._problem

    def opened(self) -> set[tuple[str, str]]:
        """Returns subject and alert type of every alert that a reading has opened or raised."""
        return {(each.alert["subject"], each.alert["alert_type"]) for each in list(self.alerts)
                if each.alert["cause"] == READINGS}

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for partition, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                    now = time.time_ns() // 1_000_000
                    for record in records:
                        self._receive[partition.topic](Arrival(orjson.loads(record.value), now))
        except Exception as problem:  # raised where the block ends
            self._problem = problem
        finally:
            self._consumer.close()

    def _candidate(self, arrival: Arrival) -> None:
        if arrival.alert["kind"] == "CANDIDATE":
            self.candidates.append(arrival)

    def _alert(self, arrival: Arrival) -> None:
        if arrival.alert["transition"] in ("OPENED", "ESCALATED"):
            self.alerts.append(arrival)


class Backlog:
    """Counts the messages that have been sent and are not readings yet; both topics must only receive those of the bench."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = consumer(settings)
        self._topics = settings.topic("telemetry"), settings.topic("readings")
        self._before = self._difference()

    def __call__(self) -> int:
        """Returns how many more messages than readings have been written since this object was made."""
        return self._difference() - self._before

    def close(self) -> None:
        """Disconnects from the broker."""
        self._consumer.close()

    def _difference(self) -> int:
        sent, scored = (sum(self._consumer.end_offsets(partitions(self._consumer, topic)).values()) for topic in self._topics)
        return int(sent - scored)


def consumer(settings: Settings) -> Any:
    """Returns a Kafka consumer without a group that sees what any downstream consumer sees."""
    return KafkaConsumer(bootstrap_servers=settings.kafka_brokers.split(","), group_id=None, enable_auto_commit=False,
                         isolation_level="read_committed")


def partitions(consumer: Any, *topics: str) -> list[TopicPartition]:
    """Returns all partitions of some topics."""
    return [TopicPartition(topic, number) for topic in topics for number in sorted(consumer.partitions_for_topic(topic) or ())]
