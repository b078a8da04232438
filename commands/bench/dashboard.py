"""How quick the dashboard's overview is beside many open pages: the real server over a filled database."""

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
    """The dashboard did not do what is measured; the text says what."""


@dataclass(frozen=True)
class Answers:
    """Status and seconds of requests."""

    all: list[tuple[int, float]]

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return sum(status != 200 for status, _ in self.all)

    def percentile(self, which: int) -> float:
        """Milliseconds that this share of the requests stayed below, 1 to 99."""
        return 1000 * statistics.quantiles((seconds for _, seconds in self.all), n=100)[which - 1]


class Streams:
    """Open pages: sockets that listen to the event stream, read together."""

    def __init__(self, port: int, count: int) -> None:
        self._heard: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()
        for _ in range(count):
            page = socket.create_connection((ports.LOOPBACK, port), SECONDS)
            page.sendall(b"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
            page.setblocking(False)
            self._selector.register(page, selectors.EVENT_READ)
            self._heard[page] = b""

    def all_hear(self, what: bytes) -> bool:
        """Reads what has come; whether every page has heard this since all pages last heard what they were asked about."""
        for key, _ in self._selector.select(0.2):
            page: Any = key.fileobj
            self._heard[page] += page.recv(READ_BYTES)
        heard = all(what in each for each in self._heard.values())
        if heard:
            self._heard = dict.fromkeys(self._heard, b"")
        return heard

    def close(self) -> None:
        """Closes the pages."""
        for page in self._heard:
            page.close()
        self._selector.close()


def overview_requests(port: int, count: int, clients: int = CLIENTS) -> Answers:
    """Asks for the overview `count` times, by clients that each ask again as soon as they are answered."""
    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(_one_after_the_other, [port] * clients, [count // clients] * clients)
        return Answers([each for part in parts for each in part])


def _one_after_the_other(port: int, count: int) -> list[tuple[int, float]]:
    connection, found = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=SECONDS), []
    for _ in range(count):
        began = time.monotonic()
        connection.request("GET", "/api/overview")
        answer = connection.getresponse()
        answer.read()
        found.append((answer.status, time.monotonic() - began))
    connection.close()
    return found


def await_(holds: Callable[[], bool], what: str) -> None:
    """Waits until it holds.

    Raises:
        BenchError: it does not in time.
    """
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"{what} did not happen within {SECONDS:g} s; the dashboard's log says more")


def figures() -> list[tuple[str, str]]:
    """p50 and p99 of the overview with 10,000 devices, 1,000 open alerts and 200 open pages, Kafka and Flink away."""
    home = stack.fresh_home(installation.home_folder(Settings.load()), "bench-dashboard")
    chosen = ports.choose({name: embedded_stack.DEFAULT_PORTS[name] for name in ("Postgres", "Dashboard")}, print)
    try:
        _start(home, chosen["Postgres"], chosen["Dashboard"])
        answers = _measured(postgres.connection(home, chosen["Postgres"]), chosen["Dashboard"])
    finally:
        dashboard.stop(home)
        postgres.stop(home)
    what = (f"overview, {DEVICES:,} devices, {ALERTS:,} open alerts, {PAGES} open pages that hear of a change every second, "
            f"{REQUESTS:,} requests of {CLIENTS} clients")
    return [(what, f"p50 {answers.percentile(50):.1f} ms, p99 {answers.percentile(99):.1f} ms, {answers.failed} failed")]


def _measured(database: dict[str, Any], port: int) -> Answers:
    overview_requests(port, CLIENTS)  # the first ones wait until the pipeline was looked at
    streams, stop = Streams(port, PAGES), threading.Event()
    await_(lambda: streams.all_hear(b"event: state"), "the first event on every page")
    changes = threading.Thread(target=keep_changing, args=[database, stop])
    changes.start()
    try:
        answers = overview_requests(port, REQUESTS)
        await_(lambda: streams.all_hear(b"event: change"), "a change on every page")
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
