"""Tests the dashboard while Postgres is down: it says so, shows the last known state, and recovers automatically."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local import ports, postgres
from infra.postgres.migrate import migrate
from infra.postgres.sample import fill
from services.dashboard.live.cache import Cache
from services.dashboard.postgres import DatabaseUnavailableError
from tests.services.dashboard.test_api import check, problem
from tests.support.dashboards import Dashboard, dashboard

SECONDS = 30.0


@dataclass(frozen=True)
class PostgresServer:
    """A Postgres server that a test stops and starts."""

    home: Path
    port: int

    def start(self) -> None:
        """Starts the server."""
        postgres.start(self.home, self.port)

    def stop(self) -> None:
        """Stops the server."""
        postgres.stop(self.home)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    home = tmp_path_factory.mktemp("outage")
    made = PostgresServer(home, ports.choose({"Postgres": 27_500 + os.getpid() % 1000}, lambda line: None)["Postgres"])
    made.start()
    yield made
    made.stop()


def until(made: Dashboard, path: str, status: int, **fields: Any) -> Any:
    """Repeats a request until the response has this status and these fields, and returns it."""
    deadline = time.monotonic() + SECONDS
    while True:
        answer = made.client.get(path)
        if answer.status_code == status and fields.items() <= (answer.get_json() or {}).items():
            return answer
        assert time.monotonic() < deadline, (answer.status_code, answer.get_data(as_text=True)[:500])
        time.sleep(0.1)


def test_the_last_overview_is_shown_as_stale_until_everything_recovers(server: PostgresServer) -> None:
    database = postgres.connection(server.home, server.port)
    migrate(**database)
    fill(database, 20, 4)
    made = dashboard(database, now=None)
    assert made.get("/api/overview")["is_stale"] is False
    server.stop()
    overview = until(made, "/api/overview", 200, is_stale=True).get_json()
    check(overview, "Overview")
    assert overview["devices"]["total"] == 20 and overview["status"]["reasons"][0]["code"] == "DATABASE_AWAY"
    assert "does not answer" in problem(made.client.get("/api/devices"), 503)
    assert made.client.get("/devices").status_code == made.client.get("/alerts.csv").status_code == 503
    assert made.client.get("/").status_code == 200
    began = time.monotonic()
    assert made.client.get("/api/alerts").status_code == 503 and time.monotonic() - began < 3
    server.start()
    until(made, "/api/overview", 200, is_stale=False)
    assert until(made, "/api/devices", 200).get_json()["total"] == 20
    until(made, "/readyz", 200)
    made.sources.close()


def test_a_dashboard_that_never_had_a_database_says_so_and_is_alive(server: PostgresServer) -> None:
    server.stop()
    made = dashboard(postgres.connection(server.home, server.port), now=None)
    assert "does not answer" in problem(made.client.get("/api/overview"), 503)
    assert "does not answer" in problem(made.client.get("/readyz"), 503)
    assert made.client.get("/healthz").status_code == 200
    made.sources.close()


def test_a_cached_result_is_served_until_there_is_a_newer_one() -> None:
    cache = Cache()

    def fail() -> dict[str, Any]:
        raise DatabaseUnavailableError("down")

    with pytest.raises(DatabaseUnavailableError):
        cache.get(fail)
    assert cache.get(lambda: {"n": 1}).value == {"n": 1}
    assert cache.get(lambda: {"n": 2}).value == {"n": 1}
    cache.expire()
    stale = cache.get(fail)
    assert (stale.value, stale.is_stale) == ({"n": 1}, True)
    cache.expire()
    assert cache.get(lambda: {"n": 3}).value == {"n": 3}


def test_a_renewed_result_is_available_before_the_next_request() -> None:
    cache, numbers = Cache(), iter(range(9))

    def fetch() -> dict[str, Any]:
        return {"n": next(numbers)}

    cache.renew()
    assert cache.get(fetch).value == {"n": 0}
    cache.renew()
    assert cache.get(fetch).value == {"n": 1}
