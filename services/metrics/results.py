"""Metrics from the result topics: counts of readings, dead letters and alerts, and their latencies.

A latency is the broker's timestamp of the result minus the event time of the message that caused it, so a slow exporter does
not lengthen it. A dead letter or transition that a restarted job writes again counts once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any

import orjson
from kafka import KafkaConsumer
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry, Counter, Histogram

from contract import consumers
from contract.declared import CONTRACT
from core import kafka_login
from core.logs import Report
from core.settings import Settings
from udfs.readings.scoring import LEVELS

TOPICS = ("readings", "dead-letters", "alerts")
POLL_MS = 500
REMEMBERED = 100_000
PAUSE_SECONDS = 15.0
SECONDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
FIELDS = {column.name for column in CONTRACT.telemetry.columns}
SENTENCES = (("not JSON", "not-json"), ("is empty", "empty"), ("not a JSON object", "not-an-object"),
             ("nothing is measured", "nothing-measured"))


class Results:
    """Counts the records of the result topics and their latencies."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self.topics: dict[str, Callable[[dict[str, Any], float], None]] = dict(
            zip(map(settings.topic, TOPICS), (self._reading, self._dead_letter, self._alert), strict=True))
        self._seen = Seen(REMEMBERED)
        self._readings = Counter("fire_readings", "readings by level", ["level"], registry=registry)
        self._late = Counter("fire_readings_late", "readings that arrived behind the watermark", registry=registry)
        self._reading_latency = Histogram("fire_reading_latency_seconds", "event time to the readings topic", buckets=SECONDS,
                                          registry=registry)
        self._refused = Counter("fire_dead_letters", "refused messages by reason", ["topic", "reason"], registry=registry)
        self._alerts = Counter("fire_alerts", "transitions of alerts", ["alert_type", "level", "transition"], registry=registry)
        self._alert_latency = Histogram("fire_alert_latency_seconds", "event time to the alert topic, OPENED and ESCALATED",
                                        ["alert_type"], buckets=SECONDS, registry=registry)
        self._unusable = Counter("fire_unusable_results", "records of result topics that are not results of the jobs", ["topic"],
                                 registry=registry)
        for level in LEVELS:
            self._readings.labels(level)
        for topic in self.topics:
            self._unusable.labels(topic)

    def take(self, topic: str, value: bytes, written: float) -> None:
        """Counts one record, stored by the broker at `written` (epoch seconds); one that is not a result counts as unusable."""
        try:
            self.topics[topic](orjson.loads(value), written)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            self._unusable.labels(topic).inc()

    def _reading(self, reading: dict[str, Any], written: float) -> None:
        self._readings.labels(reading["risk_level"]).inc()
        self._late.inc(bool(reading["is_late"]))
        self._reading_latency.observe(max(written - _epoch(reading["event_time"]), 0.0))

    def _dead_letter(self, letter: dict[str, Any], written: float) -> None:
        if self._seen.is_new(letter["source"]):
            self._refused.labels(letter["source"].partition("[")[0], reason_of(letter["reason"])).inc()

    def _alert(self, alert: dict[str, Any], written: float) -> None:
        if not self._seen.is_new((alert["alert_id"], alert["transition"], alert["level"], alert["event_time"])):
            return
        self._alerts.labels(alert["alert_type"], alert["level"], alert["transition"]).inc()
        if alert["transition"] in ("OPENED", "ESCALATED"):
            self._alert_latency.labels(alert["alert_type"]).observe(max(written - _epoch(alert["event_time"]), 0.0))


class Seen:
    """Remembers the newest `limit` keys."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: OrderedDict[Hashable, None] = OrderedDict()

    def is_new(self, key: Hashable) -> bool:
        """Returns whether the key is new, and remembers it."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            self._keys.popitem(last=False)
        return True


def reason_of(sentence: str) -> str:
    """Reduces the reason of a dead letter to one of a few words: the faulty field, or what is wrong with the whole message."""
    for part, reason in SENTENCES:
        if part in sentence and not sentence.startswith("deviceId"):
            return reason
    field = sentence.partition(" ")[0]
    return field if field in FIELDS else "other"


def _epoch(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


class Watcher(threading.Thread):
    """Feeds the result topics to `results`, from the committed offsets on; retries while no broker answers."""

    def __init__(self, settings: Settings, results: Results, stop: threading.Event, report: Report) -> None:
        super().__init__(name="results", daemon=True)
        self.problem: Exception | None = None
        self._settings, self._results, self._stopped, self._report = settings, results, stop, report

    def run(self) -> None:
        """Reads until `stop` is set."""
        while not self._stopped.is_set():
            try:
                self._consume()
            except KafkaError as problem:
                self._report(f"the result topics cannot be read, trying again: {problem}")
                self._stopped.wait(PAUSE_SECONDS)
            except Exception as problem:  # the main thread raises it
                self.problem = problem
                return

    def _consume(self) -> None:
        consumer = KafkaConsumer(*self._results.topics, bootstrap_servers=self._settings.kafka_brokers.split(","),
                                 group_id=consumers.group_id("metrics", self._settings.consumer_group),
                                 client_id="fire-metrics", auto_offset_reset="latest", isolation_level="read_committed",
                                 **kafka_login.client(self._settings))
        try:
            while not self._stopped.is_set():
                for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                    for record in records:
                        self._results.take(partition.topic, record.value, record.timestamp / 1000)
        finally:
            consumer.close()
