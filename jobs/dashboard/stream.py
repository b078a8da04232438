"""Server-sent events: every transition of an alert as it is committed, and a sign when anything stored has changed.

One thread tails the alert topic and one feels the database's pulse, however many pages are open; each page has a short
queue of its own, and one that does not keep up is told to load anew instead.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from jobs import kafka_security
from jobs.dashboard import json_text
from jobs.dashboard.memory import Memory
from jobs.dashboard.offsets import TIMEOUTS
from jobs.dashboard.problems import AwayError
from jobs.dashboard.queries import Database, DatabaseAwayError
from jobs.settings import Settings

QUEUED = 64
HEARTBEAT_SECONDS = 15.0
PULSE_SECONDS = 0.5
IDLE_PULSE_SECONDS = 3.0
CHANGE_SECONDS = 1.0
RETRY_SECONDS = 2.0
BEGIN = b"retry: 3000\n\n"
HEARTBEAT = b": still here\n\n"
Page: TypeAlias = "queue.Queue[bytes | None]"
"""What one open page has yet to hear; None ends it."""
log = logging.getLogger(__name__)


@dataclass
class State:
    """Whether the database answers and whether the alert topic can be read."""

    database: bool = False
    stream: bool = False


class Feed:
    """Hands events to every open page, from `start` to `close`."""

    def __init__(self, settings: Settings, database: Database, memory: Memory) -> None:
        self._settings, self._database, self._memory = settings, database, memory
        self._most = settings.dashboard_threads * 3 // 4
        self._pages: set[Page] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pulse: dict[str, Any] | None = None
        self._told = 0.0
        self.state = State()

    def start(self) -> None:
        """Begins to watch."""
        for name, work in (("alerts", self._tail), ("pulse", self._feel)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """Ends every page's stream and the watching."""
        self._stop.set()
        with self._lock:
            for page in self._pages:
                _put(page, None)

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._pages)

    def enter(self) -> Page:
        """Opens a page's queue, for `flow`; `leave` ends it.

        Raises:
            AwayError: as many pages are open as may be; this one must ask from time to time instead.
        """
        page: Page = queue.Queue(QUEUED)
        with self._lock:
            if len(self._pages) >= self._most or self._stop.is_set():
                raise AwayError(f"{self._most} pages are open, which is all there may be; this one asks from time to time")
            self._pages.add(page)
        return page

    def leave(self, page: Page) -> None:
        """Forgets a page that was closed."""
        with self._lock:
            self._pages.discard(page)

    def flow(self, page: Page) -> Iterator[bytes]:
        """A page's events: how things stand, then what happens; a comment where nothing does."""
        yield BEGIN + event("state", vars(self.state))
        while not self._stop.is_set():
            try:
                told = page.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                told = HEARTBEAT
            if told is None:
                return
            yield told

    def publish(self, name: str, data: Any) -> None:
        """Tells every open page."""
        told = event(name, data)
        with self._lock:
            for page in self._pages:
                _put(page, told)

    def _set(self, **now: bool) -> None:
        if vars(self.state) != vars(self.state) | now:
            self.state = State(**(vars(self.state) | now))
            log.warning("database %s, alert topic %s", *("answers" if each else "is away" for each in vars(self.state).values()))
            self.publish("state", vars(self.state))

    def _feel(self) -> None:
        """Compares the database with what it was, and says so at most once a second."""
        while not self._stop.wait(PULSE_SECONDS if self._pages else IDLE_PULSE_SECONDS):
            try:
                pulse = self._database.one("pulse")
            except DatabaseAwayError:
                self._set(database=False)
                continue
            except Exception:  # the watching goes on whatever one answer was
                log.exception("the database's pulse could not be felt")
                self._set(database=False)
                continue
            self._set(database=True)
            if pulse != self._pulse and time.monotonic() - self._told >= CHANGE_SECONDS:
                self._pulse, self._told = pulse, time.monotonic()
                self.changed()

    def changed(self) -> None:
        """Says that what is stored has changed, once whoever asks for it has it anew."""
        self._memory.renew()
        self.publish("change", {})

    def _tail(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (KafkaError, OSError) as problem:
                log.warning("the alert topic cannot be read: %s; tried again in %g s", problem, RETRY_SECONDS)
            except Exception:
                log.exception("the alert topic cannot be read; tried again in %g s", RETRY_SECONDS)
            self._set(stream=False)
            self._stop.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        consumer = KafkaConsumer(bootstrap_servers=self._settings.kafka_brokers.split(","), group_id=None, fetch_max_wait_ms=200,
                                 isolation_level="read_committed", enable_auto_commit=False, **TIMEOUTS,
                                 **kafka_security.client(self._settings))
        try:
            topic = self._settings.topic("alerts")
            places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(places)
            for place, end in consumer.end_offsets(places).items():
                consumer.seek(place, end)
            self._listen(consumer, places)
        finally:
            consumer.close()

    def _listen(self, consumer: KafkaConsumer, places: list[TopicPartition]) -> None:
        """Passes transitions on until the broker no longer answers."""
        asked = float("-inf")
        while places and not self._stop.is_set():
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    self._pass_on(record.value)
            # A consumer without a broker polls nothing for ever; only a question notices that nobody is there.
            if time.monotonic() - asked >= RETRY_SECONDS:
                consumer.end_offsets(places)
                asked = time.monotonic()
                self._set(stream=True)

    def _pass_on(self, value: bytes | None) -> None:
        try:
            alert = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            log.warning("a message of the alert topic is no JSON; the store job lists it in store_refusals")
            return
        self.publish("alert", alert)


def event(name: str, data: Any) -> bytes:
    """One event as it goes over the wire."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_text.dumps(data))


def _put(page: Page, told: bytes | None) -> None:
    """Adds to a page's queue; when that is full, what waits there is replaced by the advice to load anew."""
    try:
        page.put_nowait(told)
    except queue.Full:
        with page.mutex:
            page.queue.clear()
        page.put_nowait(event("change", {}) if told is not None else None)
