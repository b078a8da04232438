"""The dashboard while Postgres is away: it says so, shows the last that it knew, and recovers by itself."""

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
from services.dashboard.live.cache import Memory
from services.dashboard.postgres import DatabaseAwayError
from tests.services.dashboard.test_api import check, problem
from tests.support.dashboards import Dashboard, dashboard

SECONDS = 30.0


@dataclass(frozen=True)
class Part:
    """A server that is stopped and started."""

    home: Path
    port: int

    def start(self) -> None:
        """Starts it."""
        postgres.start(self.home, self.port)

    def stop(self) -> None:
        """Stops it."""
        postgres.stop(self.home)


@pytest.fixture
def part(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    home = tmp_path_factory.mktemp("outage")
    made = Part(home, ports.choose({"Postgres": 27_500 + os.getpid() % 1000}, lambda told: None)["Postgres"])
    made.start()
    yield made
    made.stop()


def until(made: Dashboard, path: str, status: int, **given: Any) -> Any:
    """The answer once it has this status and these fields."""
    deadline = time.monotonic() + SECONDS
    while True:
        answer = made.client.get(path)
        if answer.status_code == status and given.items() <= (answer.get_json() or {}).items():
            return answer
        assert time.monotonic() < deadline, (answer.status_code, answer.get_data(as_text=True)[:500])
        time.sleep(0.1)


def test_the_last_overview_stays_marked_as_stale_and_everything_comes_back(part: Part) -> None:
    database = postgres.connection(part.home, part.port)
    migrate(**database)
    fill(database, 20, 4)
    made = dashboard(database, now=None)
    assert made.get("/api/overview")["is_stale"] is False
    part.stop()
    overview = until(made, "/api/overview", 200, is_stale=True).get_json()
    check(overview, "Overview")
    assert overview["devices"]["total"] == 20 and overview["status"]["reasons"][0]["code"] == "DATABASE_AWAY"
    assert "does not answer" in problem(made.client.get("/api/devices"), 503)
    assert made.client.get("/devices").status_code == made.client.get("/alerts.csv").status_code == 503
    assert made.client.get("/").status_code == 200
    began = time.monotonic()
    assert made.client.get("/api/alerts").status_code == 503 and time.monotonic() - began < 3
    part.start()
    until(made, "/api/overview", 200, is_stale=False)
    assert until(made, "/api/devices", 200).get_json()["total"] == 20
    until(made, "/readyz", 200)
    made.sources.close()


def test_a_dashboard_that_never_had_a_database_says_so_and_is_alive(part: Part) -> None:
    part.stop()
    made = dashboard(postgres.connection(part.home, part.port), now=None)
    assert "does not answer" in problem(made.client.get("/api/overview"), 503)
    assert "does not answer" in problem(made.client.get("/readyz"), 503)
    assert made.client.get("/healthz").status_code == 200
    made.sources.close()


def test_what_is_remembered_serves_until_there_is_something_newer() -> None:
    memory = Memory()

    def away() -> dict[str, Any]:
        raise DatabaseAwayError("away")

    with pytest.raises(DatabaseAwayError):
        memory.get(away)
    assert memory.get(lambda: {"n": 1}).value == {"n": 1}
    assert memory.get(lambda: {"n": 2}).value == {"n": 1}
    memory.forget()
    stale = memory.get(away)
    assert (stale.value, stale.is_stale) == ({"n": 1}, True)
    memory.forget()
    assert memory.get(lambda: {"n": 3}).value == {"n": 3}


def test_what_is_renewed_is_there_before_anybody_asks() -> None:
    memory, numbers = Memory(), iter(range(9))

    def fetch() -> dict[str, Any]:
        return {"n": next(numbers)}

    memory.renew()
    assert memory.get(fetch).value == {"n": 0}
    memory.renew()
    assert memory.get(fetch).value == {"n": 1}
