"""Server-sent events: every transition of an alert as it is committed, and a notice when stored data has changed.

However many pages are open, one thread reads the alert topic and one polls the database for changes. Each page has a short
queue; if a page does not keep up, its queue is replaced by a single change notice, after which it reloads.
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

from core import kafka_login
from core.settings import Settings
from services.dashboard import json_text
from services.dashboard.live.cache import Cache
from services.dashboard.live.offsets import TIMEOUTS
from services.dashboard.postgres import Database, DatabaseUnavailableError
from services.dashboard.problems import UnavailableError

QUEUED = 64
HEARTBEAT_SECONDS = 15.0
PULSE_SECONDS = 0.5
IDLE_PULSE_SECONDS = 3.0
CHANGE_SECONDS = 1.0
RETRY_SECONDS = 2.0
BEGIN = b"retry: 3000\n\n"
HEARTBEAT = b": still here\n\n"
Page: TypeAlias = "queue.Queue[bytes | None]"
"""The events that one open page has yet to receive; None ends its stream."""
log = logging.getLogger(__name__)


@dataclass
class State:
    """Whether the database answers and whether the alert topic can be read."""

    database: bool = False
    stream: bool = False


class Feed:
    """Sends events to every open page from `start` to `close`."""

    def __init__(self, settings: Settings, database: Database, cache: Cache) -> None:
        self._settings, self._database, self._cache = settings, database, cache
        self._most = settings.dashboard_threads * 3 // 4
        self._pages: set[Page] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pulse: dict[str, Any] | None = None
        self._notified = 0.0
        self.state = State()

    def start(self) -> None:
        """Starts watching the alert topic and the database."""
        for name, work in (("alerts", self._tail), ("pulse", self._poll)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        """Stops watching and ends the stream of every page."""
        self._stop.set()
        with self._lock:
            for page in self._pages:
                _put(page, None)

    @property
    def pages(self) -> int:
        """The number of open pages."""
        return len(self._pages)

    def enter(self) -> Page:
        """Registers a page and returns its queue for `flow`; `leave` unregisters it.

        Raises:
            UnavailableError: the maximum number of pages is open; this one must poll instead.
        """
        page: Page = queue.Queue(QUEUED)
        with self._lock:
            if len(self._pages) >= self._most or self._stop.is_set():
                raise UnavailableError(f"{self._most} pages are open, which is the maximum; this page polls instead")
            self._pages.add(page)
        return page

    def leave(self, page: Page) -> None:
        """Unregisters a page that was closed."""
        with self._lock:
            self._pages.discard(page)

    def flow(self, page: Page) -> Iterator[bytes]:
        """Yields a page's events: the current state, then each event; a comment every 15 s without one."""
        yield BEGIN + event("state", vars(self.state))
        while not self._stop.is_set():
            try:
                encoded = page.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                encoded = HEARTBEAT
            if encoded is None:
                return
            yield encoded

    def publish(self, name: str, data: Any) -> None:
        """Sends an event to every open page."""
        encoded = event(name, data)
        with self._lock:
            for page in self._pages:
                _put(page, encoded)

    def _set(self, **now: bool) -> None:
        if vars(self.state) != vars(self.state) | now:
            self.state = State(**(vars(self.state) | now))
            log.warning("database %s, alert topic %s", *("answers" if up else "unreachable" for up in vars(self.state).values()))
            self.publish("state", vars(self.state))

    def _poll(self) -> None:
        """Polls the database for changes and notifies the pages at most once a second."""
        while not self._stop.wait(PULSE_SECONDS if self._pages else IDLE_PULSE_SECONDS):
            try:
                pulse = self._database.one("pulse")
            except DatabaseUnavailableError:
                self._set(database=False)
                continue
            except Exception:  # one unexpected answer must not end the polling
                log.exception("the database could not be polled for changes")
                self._set(database=False)
                continue
            self._set(database=True)
            if pulse != self._pulse and time.monotonic() - self._notified >= CHANGE_SECONDS:
                self._pulse, self._notified = pulse, time.monotonic()
                self.changed()

    def changed(self) -> None:
        """Renews the cache, then notifies the pages that stored data has changed."""
        self._cache.renew()
        self.publish("change", {})

    def _tail(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (KafkaError, OSError) as problem:
                log.warning("the alert topic cannot be read: %s; next attempt in %g s", problem, RETRY_SECONDS)
            except Exception:
                log.exception("the alert topic cannot be read; next attempt in %g s", RETRY_SECONDS)
            self._set(stream=False)
            self._stop.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        consumer = KafkaConsumer(bootstrap_servers=self._settings.kafka_brokers.split(","), group_id=None, fetch_max_wait_ms=200,
                                 isolation_level="read_committed", enable_auto_commit=False, **TIMEOUTS,
                                 **kafka_login.client(self._settings))
        try:
            topic = self._settings.topic("alerts")
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            for partition, end in consumer.end_offsets(partitions).items():
                consumer.seek(partition, end)
            self._listen(consumer, partitions)
        finally:
            consumer.close()

    def _listen(self, consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        """Publishes transitions until the broker no longer answers."""
        asked = float("-inf")
        while partitions and not self._stop.is_set():
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    self._pass_on(record.value)
            # Without a broker, polling returns nothing for ever; only a request reveals that the broker is gone.
            if time.monotonic() - asked >= RETRY_SECONDS:
                consumer.end_offsets(partitions)
                asked = time.monotonic()
                self._set(stream=True)

    def _pass_on(self, value: bytes | None) -> None:
        try:
            alert = orjson.loads(value or b"")
        except orjson.JSONDecodeError:
            log.warning("a record of the alert topic is not JSON; the store job lists it in store_refusals")
            return
        self.publish("alert", alert)


def event(name: str, data: Any) -> bytes:
    """Encodes a server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), json_text.dumps(data))


def _put(page: Page, encoded: bytes | None) -> None:
    """Adds an event to a page's queue; a full queue is replaced by a single change notice."""
    try:
        page.put_nowait(encoded)
    except queue.Full:
        with page.mutex:
            page.queue.clear()
        page.put_nowait(event("change", {}) if encoded is not None else None)
