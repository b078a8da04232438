"""The dashboard while Postgres is away: it says so, shows the last that it knew, and recovers by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.postgres.sample import fill
from services.dashboard.live import cache
from services.dashboard.live.cache import Memory
from services.dashboard.postgres import DatabaseAwayError
from tests.services.dashboard.test_api import check, problem
from tests.support.dashboards import Dashboard, dashboard
from tests.support.databases import Server
from tests.support.waiting import idle_seconds, until


@pytest.fixture
def part(server: Server) -> Iterator[Server]:
    """The server, which the test may stop."""
    yield server
    server.start()


def answered(made: Dashboard, path: str, status: int, **given: Any) -> Any:
    """The answer once it has this status and these fields."""
    def wanted() -> Any:
        answer = made.client.get(path)
        return answer if answer.status_code == status and given.items() <= (answer.get_json() or {}).items() else None

    return until(wanted, f"the answer {status} {given} to {path}")


def test_the_last_overview_stays_marked_as_stale_and_everything_comes_back(part: Server) -> None:
    database = part.migrated()
    fill(database, 20, 4)
    made = dashboard(database, now=None)
    assert made.get("/api/overview")["is_stale"] is False
    part.stop()
    overview = answered(made, "/api/overview", 200, is_stale=True).get_json()
    check(overview, "Overview")
    assert overview["devices"]["total"] == 20 and overview["status"]["reasons"][0]["code"] == "DATABASE_AWAY"
    assert "does not answer" in problem(made.client.get("/api/devices"), 503)
    assert made.client.get("/devices").status_code == made.client.get("/alerts.csv").status_code == 503
    assert made.client.get("/").status_code == 200
    assert idle_seconds(lambda: made.client.get("/api/alerts")) < 3, "nobody waits long for a database that is away"
    assert made.client.get("/api/alerts").status_code == 503
    part.start()
    answered(made, "/api/overview", 200, is_stale=False)
    assert answered(made, "/api/devices", 200).get_json()["total"] == 20
    answered(made, "/readyz", 200)
    made.sources.close()


def test_a_dashboard_that_never_had_a_database_says_so_and_is_alive(part: Server) -> None:
    database = part.empty()
    part.stop()
    made = dashboard(database, now=None)
    assert "does not answer" in problem(made.client.get("/api/overview"), 503)
    assert "does not answer" in problem(made.client.get("/readyz"), 503)
    assert made.client.get("/healthz").status_code == 200
    made.sources.close()


def test_what_is_remembered_serves_until_there_is_something_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    monkeypatch.setattr(cache, "FRESH_SECONDS", float("inf"))

    def away() -> dict[str, Any]:
        raise DatabaseAwayError("away")

    with pytest.raises(DatabaseAwayError):
        memory.get(away)
    assert memory.get(lambda: {"n": 1}).value == {"n": 1}
    assert memory.get(lambda: {"n": 2}).value == {"n": 1}
    monkeypatch.setattr(cache, "FRESH_SECONDS", 0.0)
    stale = memory.get(away)
    assert (stale.value, stale.is_stale) == ({"n": 1}, True)
    assert memory.get(lambda: {"n": 3}).value == {"n": 3}


def test_what_is_renewed_is_there_before_anybody_asks() -> None:
    memory, numbers = Memory(), iter(range(9))

    def fetch() -> dict[str, Any]:
        return {"n": next(numbers)}

    memory.renew()
    assert memory.get(fetch).value == {"n": 0}
    memory.renew()
    assert memory.get(fetch).value == {"n": 1}
