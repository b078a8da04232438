"""Measures how fast the dashboard answers while many pages are open, with the real server and a filled database."""

from __future__ import annotations

import http.client
import selectors
import socket
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

from core import embedded_stack, installation
from core.errors import FireError
from core.settings import Settings
from infra.local import dashboard, ports, postgres, stack
from infra.postgres.migrate import migrate
from infra.postgres.sample import fill, keep_changing

DEVICES, ALERTS = 10_000, 1_000
PAGES, REQUESTS, CLIENTS = 200, 2_000, 4
SECONDS = 30.0
READ_BYTES = 65_536


class BenchError(FireError):
    """The dashboard did not reach the state to be measured; the text names that state and the remedy."""


@dataclass(frozen=True)
class Answers:
    """The HTTP status and the duration in seconds of each request."""

    all: list[tuple[int, float]]

    @property
    def failed(self) -> int:
        """The number of requests that were not answered with status 200."""
        return sum(status != 200 for status, _ in self.all)

    def percentile(self, which: int) -> float:
        """Returns a percentile (1 to 99) of the durations, in milliseconds."""
        return 1000 * statistics.quantiles((seconds for _, seconds in self.all), n=100)[which - 1]


class Streams:
    """Simulated open pages: sockets that listen to the event stream and are read together."""

    def __init__(self, port: int, count: int) -> None:
        self._received: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()
        for _ in range(count):
            page = socket.create_connection((ports.LOOPBACK, port), SECONDS)
            page.sendall(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
            page.setblocking(False)
            self._selector.register(page, selectors.EVENT_READ)
            self._received[page] = b""

    def all_received(self, text: bytes) -> bool:
        """Reads what has arrived; returns whether every page has received the text, and starts over once all have."""
        for key, _ in self._selector.select(0.2):
            page: Any = key.fileobj
            self._received[page] += page.recv(READ_BYTES)
        received = all(text in each for each in self._received.values())
        if received:
            self._received = dict.fromkeys(self._received, b"")
        return received

    def close(self) -> None:
        """Closes the sockets of all pages."""
        for page in self._received:
            page.close()
        self._selector.close()


def overview_requests(port: int, count: int, clients: int = CLIENTS) -> Answers:
    """Requests the overview `count` times, from clients that each send the next request when the last is answered."""
    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(_one_after_the_other, [port] * clients, [count // clients] * clients)
        return Answers([each for part in parts for each in part])


def _one_after_the_other(port: int, count: int) -> list[tuple[int, float]]:
    connection, answers = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=SECONDS), []
    for _ in range(count):
        began = time.monotonic()
        connection.request("GET", "/api/overview")
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, time.monotonic() - began))
    connection.close()
    return answers


def await_(holds: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds.

    Raises:
        BenchError: the condition, described by `what`, does not hold within 30 seconds.
    """
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"{what} did not happen within {SECONDS:g} s; see the dashboard's log")


def figures() -> list[tuple[str, str]]:
    """Measures p50 and p99 of the overview with 10,000 devices, 1,000 open alerts and 200 open pages, without Kafka and Flink."""
    home = stack.fresh_home(installation.home_folder(Settings.load()), "bench-dashboard")
    chosen = ports.choose({name: embedded_stack.DEFAULT_PORTS[name] for name in ("Postgres", "Dashboard")}, print)
    try:
        _start(home, chosen["Postgres"], chosen["Dashboard"])
        answers = _measured(postgres.connection(home, chosen["Postgres"]), chosen["Dashboard"])
    finally:
        dashboard.stop(home)
        postgres.stop(home)
    what = (f"overview, {DEVICES:,} devices, {ALERTS:,} open alerts, {PAGES} open pages that receive a change every second, "
            f"{REQUESTS:,} requests of {CLIENTS} clients")
    return [(what, f"p50 {answers.percentile(50):.1f} ms, p99 {answers.percentile(99):.1f} ms, {answers.failed} failed")]


def _measured(database: dict[str, Any], port: int) -> Answers:
    overview_requests(port, CLIENTS)  # the first requests wait for the check of the pipeline
    streams, stop = Streams(port, PAGES), threading.Event()
    await_(lambda: streams.all_received(b"event: state"), "the first event on every page")
    changes = threading.Thread(target=keep_changing, args=[database, stop])
    changes.start()
    try:
        answers = overview_requests(port, REQUESTS)
        await_(lambda: streams.all_received(b"event: change"), "a change on every page")
    finally:
        stop.set()
        changes.join()
        streams.close()
    return answers


def _start(home: Path, database_port: int, port: int) -> None:
    postgres.start(home, database_port)
    database = postgres.connection(home, database_port)
    migrate(**database)
    fill(database, DEVICES, ALERTS)
    settings = with_changes(Settings.load(), postgres_host=ports.LOOPBACK, postgres_port=database_port,
                            kafka_brokers="127.0.0.1:1", flink_addresses="")
    dashboard.start(home, settings, port)
