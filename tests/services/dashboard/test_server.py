"""Tests the running `./fire dashboard`: a busy overview with 200 open pages, live changes, and a prompt stop."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from commands.bench.dashboard import Streams, overview_requests
from core.installation import ROOT
from core.settings import variable
from infra.postgres.sample import fill
from tests.support.dashboards import NOBODY
from tests.support.databases import Server
from tests.support.free_ports import free_ports
from tests.support.waiting import DEADLINE_SECONDS, idle_seconds, slowness, until

PAGES, REQUESTS = 200, 400


@dataclass(frozen=True)
class Running:
    """A dashboard's process, its port and psycopg's keywords for its database."""

    process: subprocess.Popen[bytes]
    port: int
    database: dict[str, Any]

    def get(self, path: str) -> tuple[int, bytes]:
        """Returns the status and the body of a GET request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        """Returns whether the dashboard answers."""
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    database = server.migrated()
    fill(database, 2_000, 200)
    port = free_ports("Dashboard")["Dashboard"]
    changed = {"dashboard_port": str(port), "postgres_port": str(database["port"]), "postgres_database": database["dbname"]}
    environment = {variable(name): value for name, value in (changed | NOBODY).items()}
    environment |= {"PGPASSFILE": database["passfile"], "PYTHONPATH": str(ROOT)}
    log = tmp_path_factory.mktemp("dashboard") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-P", "-m", "commands.cli", "dashboard"], stdout=output, stderr=output,
                                   cwd=ROOT, env=os.environ | environment)
    started = Running(process, port, database)
    until(lambda: started.answers() or process.poll() is not None, lambda: f"an answer of the dashboard ({log.read_text()})")
    assert process.poll() is None, log.read_text()
    yield started
    if process.poll() is None:
        process.kill()
    process.wait()


def act(running: Running) -> None:
    with psycopg.connect(**running.database, autocommit=True) as connection:
        connection.execute("""INSERT INTO dashboard_actions (actor, action, subject, details)
                              VALUES ('kim', 'RESOLVED', 'a', '{}')""")


def test_the_overview_stays_fast_with_200_open_pages_that_all_receive_a_change(running: Running) -> None:
    running.get("/api/overview")  # the first request waits for the first snapshot of the pipeline
    streams = Streams(running.port, PAGES)
    until(lambda: streams.all_received(b"event: state"), "the first event on every page")
    before = slowness()
    answers = overview_requests(running.port, REQUESTS)
    act(running)
    until(lambda: streams.all_received(b"event: change"), "a change on every page")
    streams.close()
    p50, p99 = answers.percentile(50), answers.percentile(99)
    print(f"{PAGES} open pages, {REQUESTS} requests: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    assert (len(answers.all), answers.failed) == (REQUESTS, 0)
    assert p99 < 2_000 * max(before, slowness()), "too slow for any machine; ./fire bench --only dashboard measures exactly"


def registered_pages(running: Running) -> int:
    """Returns how many pages are registered, after an event by which the server notices closed ones."""
    act(running)
    return int(json.loads(running.get("/api/metrics")[1])["open_pages"])


def test_closed_pages_are_unregistered(running: Running) -> None:
    until(lambda: registered_pages(running) == 0, "the unregistration of every page")


def test_a_page_beyond_the_maximum_is_told_to_poll(running: Running) -> None:
    streams = Streams(running.port, 300)
    until(lambda: streams.all_received(b"event: state"), "the first event on every page")
    status, body = running.get("/api/stream")
    streams.close()
    assert status == 503 and b"this page polls instead" in body
    until(lambda: registered_pages(running) == 0, "the unregistration of every page")


def test_the_dashboard_stops_promptly_while_pages_are_open(running: Running) -> None:
    streams = Streams(running.port, 20)
    until(lambda: streams.all_received(b"event: state"), "the first event on every page")
    running.process.terminate()
    assert idle_seconds(lambda: running.process.wait(DEADLINE_SECONDS)) < 10
    assert running.process.returncode == 0
    streams.close()
