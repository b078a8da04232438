"""Tests the dashboard while Postgres is down: it says so, shows the last known state, and recovers automatically."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.postgres.sample import fill
from services.dashboard.live import cache as cache_module
from services.dashboard.live.cache import Cache
from services.dashboard.postgres import DatabaseUnavailableError
from tests.services.dashboard.test_api import check, problem
from tests.support.dashboards import Dashboard, dashboard
from tests.support.databases import Server
from tests.support.waiting import idle_seconds, until


@pytest.fixture
def stoppable(server: Server) -> Iterator[Server]:
    """Lends the server to a test that stops it, and starts it again."""
    yield server
    server.start()


def answered(made: Dashboard, path: str, status: int, **fields: Any) -> Any:
    """Repeats a request until the response has this status and these fields, and returns it."""
    def wanted() -> Any:
        answer = made.client.get(path)
        return answer if answer.status_code == status and fields.items() <= (answer.get_json() or {}).items() else None

    return until(wanted, f"the answer {status} {fields} to {path}")


def test_the_last_overview_is_shown_as_stale_until_everything_recovers(stoppable: Server) -> None:
    database = stoppable.migrated()
    fill(database, 20, 4)
    made = dashboard(database, now=None)
    assert made.get("/api/overview")["is_stale"] is False
    stoppable.stop()
    overview = answered(made, "/api/overview", 200, is_stale=True).get_json()
    check(overview, "Overview")
    assert overview["devices"]["total"] == 20 and overview["status"]["reasons"][0]["code"] == "DATABASE_AWAY"
    assert "does not answer" in problem(made.client.get("/api/devices"), 503)
    assert made.client.get("/devices").status_code == made.client.get("/alerts.csv").status_code == 503
    assert made.client.get("/").status_code == 200
    assert idle_seconds(lambda: made.client.get("/api/alerts")) < 3, "requests fail quickly while the database is down"
    assert made.client.get("/api/alerts").status_code == 503
    stoppable.start()
    answered(made, "/api/overview", 200, is_stale=False)
    assert answered(made, "/api/devices", 200).get_json()["total"] == 20
    answered(made, "/readyz", 200)
    made.sources.close()


def test_a_dashboard_that_never_had_a_database_says_so_and_is_alive(stoppable: Server) -> None:
    database = stoppable.empty()
    stoppable.stop()
    made = dashboard(database, now=None)
    assert "does not answer" in problem(made.client.get("/api/overview"), 503)
    assert "does not answer" in problem(made.client.get("/readyz"), 503)
    assert made.client.get("/healthz").status_code == 200
    made.sources.close()


def test_a_cached_result_is_served_until_there_is_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache()
    monkeypatch.setattr(cache_module, "FRESH_SECONDS", float("inf"))

    def fail() -> dict[str, Any]:
        raise DatabaseUnavailableError("down")

    with pytest.raises(DatabaseUnavailableError):
        cache.get(fail)
    assert cache.get(lambda: {"n": 1}).value == {"n": 1}
    assert cache.get(lambda: {"n": 2}).value == {"n": 1}
    monkeypatch.setattr(cache_module, "FRESH_SECONDS", 0.0)
    stale = cache.get(fail)
    assert (stale.value, stale.is_stale) == ({"n": 1}, True)
    assert cache.get(lambda: {"n": 3}).value == {"n": 3}


def test_a_renewed_result_is_available_before_the_next_request() -> None:
    cache, numbers = Cache(), iter(range(9))

    def fetch() -> dict[str, Any]:
        return {"n": next(numbers)}

    cache.renew()
    assert cache.get(fetch).value == {"n": 0}
    cache.renew()
    assert cache.get(fetch).value == {"n": 1}
