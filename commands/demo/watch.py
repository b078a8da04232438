"""Follows a fleet's messages from outside, through the result topics, Postgres and Flink's REST interface."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg
from kafka import KafkaConsumer, TopicPartition
from psycopg.rows import class_row

from commands.simulate.sender import Sent
from core import flink_rest
from core.installation import ROOT
from core.settings import Settings

COUNTS = ROOT / "infra" / "postgres" / "fleet_counts.sql"
RESULTS = ("readings", "dead-letters", "alerts")
POLL_MS = 200


@dataclass(frozen=True)
class Arrival:
    """One transition of an alert, and the time at which it arrived from the topic, in epoch milliseconds."""

    alert: dict[str, Any]
    received_ms: int

    @property
    def event_ms(self) -> int:
        """The event time of the message that caused the transition, in epoch milliseconds."""
        return round(datetime.fromisoformat(self.alert["event_time"]).timestamp() * 1000)

    @property
    def latency_ms(self) -> int:
        """The milliseconds from the device's message to its arrival here."""
        return self.received_ms - self.event_ms


@dataclass(frozen=True)
class Stored:
    """Counts of one fleet's rows in Postgres."""

    readings: int
    alerts: int
    transitions: int


@dataclass
class Watch:
    """Consumes the result topics in a thread of its own, from their ends at its creation.

    Counts only devices whose id begins with `prefix`. Recognises redelivered alerts and dead letters and counts them once.
    """

    settings: Settings
    prefix: str
    levels: dict[str, str] = field(default_factory=dict)
    arrivals: dict[tuple[str, str, str, str], Arrival] = field(default_factory=dict)
    dead_letters: set[str] = field(default_factory=set)
    readings: int = 0
    problem: Exception | None = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._receive: dict[str, Callable[[dict[str, Any]], None]] = dict(zip(
            map(self.settings.topic, RESULTS), (self._reading, self._dead_letter, self._transition), strict=True))
        self._consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka_brokers.split(","), group_id=None,
                                       isolation_level="read_committed", enable_auto_commit=False,
                                       fetch_max_wait_ms=100)
        self._seek_to_end()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops consuming."""
        self._stop.set()
        self._thread.join()

    @property
    def open_alerts(self) -> dict[str, dict[str, Any]]:
        """The last transition of every alert that is not cleared, by its id."""
        last = {each.alert["alert_id"]: each.alert for each in list(self.arrivals.values())}
        return {alert_id: alert for alert_id, alert in last.items() if alert["transition"] != "CLEARED"}

    def devices_by_level(self) -> Counter[str]:
        """Counts the devices by the level of their newest reading."""
        return Counter(list(self.levels.values()))

    def _seek_to_end(self) -> None:
        partitions = [TopicPartition(topic, number) for topic in self._receive
                      for number in self._consumer.partitions_for_topic(topic) or ()]
        self._consumer.assign(partitions)
        for partition, offset in self._consumer.end_offsets(partitions).items():
            self._consumer.seek(partition, offset)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for partition, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                    for record in records:
                        self._receive[partition.topic](orjson.loads(record.value))
        except Exception as problem:  # reported by the main thread
            self.problem = problem
        finally:
            self._consumer.close()

    def _reading(self, reading: dict[str, Any]) -> None:
        if reading["device_id"].startswith(self.prefix):
            self.readings += 1
            self.levels[reading["device_id"]] = reading["risk_level"]

    def _dead_letter(self, letter: dict[str, Any]) -> None:
        if letter["source"].startswith(self.settings.topic("telemetry")):
            self.dead_letters.add(letter["source"])

    def _transition(self, alert: dict[str, Any]) -> None:
        if alert["subject"].startswith(self.prefix):
            arrival = Arrival(alert, time.time_ns() // 1_000_000)
            key = (alert["alert_id"], alert["transition"], alert["level"], alert["event_time"])
            self.arrivals.setdefault(key, arrival)


def stored(connection: dict[str, Any], prefix: str) -> Stored:
    """Counts the rows in Postgres of the devices whose id begins with `prefix`."""
    with psycopg.connect(**connection) as connected, connected.cursor(row_factory=class_row(Stored)) as cursor:
        row = cursor.execute(COUNTS.read_bytes(), {"prefix": prefix}).fetchone()
    assert row is not None  # a SELECT of counts always returns one row
    return row


def job_states(*jobmanagers: str) -> dict[str, str]:
    """Returns the state of the project's jobs by name; a JobManager that does not answer contributes none."""
    answers = (flink_rest.get(address, "/jobs/overview") or {"jobs": []} for address in dict.fromkeys(jobmanagers))
    return {job["name"]: job["state"] for answer in answers for job in answer["jobs"]
            if job["name"].startswith("fire-")}


def differences(sent: Sent, rows: Stored, watch: Watch) -> list[str]:
    """Returns a sentence for each count that does not match; empty if all messages are accounted for and an alert arrived."""
    transitions, alerts = len(watch.arrivals), len({alert_id for alert_id, *_ in list(watch.arrivals)})
    claims = (
        (transitions > 0, "no alert arrived in the topic"),
        (rows.readings == sent.readings,
         f"{rows.readings:,} readings are stored, but {sent.readings:,} good ones were sent"),
        (len(watch.dead_letters) == sent.malformed,
         f"{len(watch.dead_letters):,} dead letters arrived, but {sent.malformed:,} malformed messages were sent"),
        (rows.alerts == alerts, f"Postgres holds {rows.alerts:,} alerts, but the topic {alerts:,}"),
        (rows.transitions == transitions,
         f"Postgres holds {rows.transitions:,} transitions of alerts, but the topic {transitions:,}"))
    return [sentence for holds, sentence in claims if not holds]
