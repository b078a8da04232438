"""The dashboard's statements on a filled database: no list reads a whole table, and pages are quick with 10,000 devices."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.postgres.sample import fill
from jobs.dashboard import alerts, devices
from jobs.dashboard.queries import LIMITS, SQL, Database, prefix, statement
from tests.dashboards import NOW, Dashboard, dashboard
from tests.databases import Server, server

__all__ = ["server"]
PAST = Path(__file__).with_name("dashboard_past.sql")
DEVICES, ALERTS = 10_000, 1_000
HOUR = NOW - timedelta(hours=1)
COUNT_EVERY_DEVICE = {"fleet", "sites", "pulse", "devices_total"}
"""They tell something of every device, one row each; the others may read no table from end to end."""
WRITES = {"acknowledge", "resolve", "record_alert_action", "record_replay", "mark_replayed"}
FIRST: dict[str, Any] = {"opened_at": None, "alert": None, "limit": 51}
GIVEN: dict[str, list[dict[str, Any]]] = {
    "fleet": [{"active_since": HOUR, "hour_since": HOUR}], "open_levels": [{}], "worst_alerts": [{"limit": 20}],
    "hour_risk": [{"since": HOUR}], "sites": [{"since": HOUR, "after": 0, "limit": 60}],
    "minute_rate": [{"since": NOW - timedelta(minutes=3), "until": NOW}], "pulse": [{}], "site": [{"site": "site-7"}],
    "site_known": [{"site": "site-7"}], "site_correlations": [{"site": "site-0", "since": HOUR, "limit": 50}],
    "site_clusters": [{"site": "site-7", "since": HOUR, "least": 2, "limit": 60}],
    "site_alerts": [{"site": "site-7", "since": HOUR, "limit": 100}],
    "devices": [{**each.given(NOW), "risk": risk, "device": device, "limit": 51}
                for each in (devices.Filter(), devices.Filter(site="site-7"), devices.Filter(level="CRITICAL"),
                             devices.Filter(q="dev-0012")) for risk, device in ((None, None), (0.4, "dev-00500"))],
    "devices_total": [devices.Filter(site="site-7").given(NOW)], "device": [{"device": "dev-00123"}],
    "device_minutes": [{"device": "dev-00123", "since": NOW - timedelta(days=1), "until": NOW}],
    "device_alerts": [{"device": "dev-00123", "since": HOUR, "limit": 100}], "device_patterns": [{"device": "dev-00008"}],
    "device_readings": [{"device": "dev-00123", "since": datetime(1970, 1, 1), "limit": 20}],  # noqa: DTZ001
    "alerts": [{**each.given(), **place} for each in (
        alerts.Filter(), alerts.Filter(state="all"), alerts.Filter(level="CRITICAL", state="all"),
        alerts.Filter(alert_type="ARC_DETECTED", state="all"), alerts.Filter(site="site-7"), alerts.Filter(q="dev-0012"),
        alerts.Filter(since=HOUR, until=NOW)) for place in (FIRST, {"opened_at": NOW, "alert": "x", "limit": 51})],
    "alerts_total": [{**alerts.Filter(site="site-7").given(), "most": 100_000}], "alert": [{"alert": "alert-00001"}],
    "alert_transitions": [{"alert": "alert-00001", "limit": 500}], "actions": [{"subject": "alert-00001", "limit": 500}],
    "dead_letters": [{"received_at": None, "source": None, "most": 100, "limit": 21},
                     {"received_at": NOW, "source": "x", "most": 100, "limit": 21}],
    "dead_letter_size": [{"source": "telemetry[0]@7"}],
    "dead_letters_total": [{"most": 100_000, "since": HOUR}], "late_and_invalid": [{"since": HOUR, "until": NOW}],
    "profile_versions": [{"since": NOW - timedelta(minutes=3)}], "store_refusals": [{"limit": 20}],
    "notifications": [{"since": HOUR}],
}  # fmt: skip
BIG = ("readings", "device_minutes", "device_5min_aggregates", "alerts", "alert_transitions", "site_risk", "device_correlations",
       "device_patterns", "device_state")


@pytest.fixture(scope="module")
def large(server: Server) -> Iterator[Dashboard]:
    """10,000 devices of 500 sites with ten minutes each, 1,000 open and 1,000 cleared alerts, and days of readings."""
    database = server.migrated()
    with psycopg.connect(**database, autocommit=True) as connection:
        connection.execute("SELECT fire_add_reading_day(day::date) FROM generate_series(%s::date - 5, %s::date, '1 day') AS day",
                           [NOW, NOW])
    fill(database, DEVICES, ALERTS, NOW)
    fill(database, DEVICES, ALERTS, NOW, PAST)
    made = dashboard(database)
    yield made
    made.sources.close()


@pytest.fixture(scope="module")
def planner(large: Dashboard) -> Iterator[psycopg.Connection[Any]]:
    """A connection with the options of the dashboard's own."""
    with psycopg.connect(**{**large.database, **LIMITS}, autocommit=True) as connection:
        yield connection


def test_every_statement_that_reads_is_looked_at() -> None:
    assert {file.stem for file in SQL.glob("*.sql")} == set(GIVEN) | WRITES


def scanned(plan: Any) -> Iterator[str]:
    """The tables that a plan reads from end to end."""
    if plan["Node Type"] == "Seq Scan":
        yield re.sub(r"_(default|\d{8})$", "", plan["Relation Name"])
    for part in plan.get("Plans", ()):
        yield from scanned(part)


@pytest.mark.parametrize("name", sorted(set(GIVEN) - COUNT_EVERY_DEVICE))
def test_a_list_reads_no_big_table_from_end_to_end(planner: psycopg.Connection[Any], name: str) -> None:
    for given in GIVEN[name]:
        row = planner.execute(b"EXPLAIN (FORMAT JSON) " + statement(name), given).fetchone()
        assert row is not None
        tables = {table for table in scanned(row[0][0]["Plan"]) if table in BIG}
        assert not tables, f"{given}: {json.dumps(row[0])}"


@pytest.mark.parametrize("name", sorted(COUNT_EVERY_DEVICE))
def test_what_counts_every_device_reads_no_other_big_table_from_end_to_end(planner: psycopg.Connection[Any], name: str) -> None:
    for given in GIVEN[name]:
        row = planner.execute(b"EXPLAIN (FORMAT JSON) " + statement(name), given).fetchone()
        assert row is not None
        assert set(scanned(row[0][0]["Plan"])) <= {"device_state", "dead_letters", "dashboard_actions"}


@pytest.mark.parametrize("path", ["/", "/devices", "/devices?level=CRITICAL", "/devices/dev-00123", "/alerts",
                                  "/alerts?state=all", "/alerts/alert-00001", "/sites/site-7", "/pipeline", "/api/overview",
                                  "/api/sites"])
def test_a_page_is_quick_with_10000_devices_and_1000_open_alerts(large: Dashboard, path: str) -> None:
    large.client.get(path)  # templates are compiled once
    seconds = []
    for _ in range(3):
        large.sources.memory.forget()
        began = time.monotonic()
        assert large.client.get(path).status_code == 200
        seconds.append(time.monotonic() - began)
    print(f"{path}: {min(seconds) * 1000:.0f} ms")
    assert min(seconds) < 0.3


def test_a_prefix_is_taken_literally() -> None:
    assert prefix("50%_\\x") == r"50\%\_\\x%" and prefix(None) is None


def test_reads_go_to_the_replica_and_writes_to_the_primary(server: Server) -> None:
    """Two databases stand for the two servers: an alert lies in one of them."""
    primary, replica = server.migrated(), server.migrated()
    fill(primary, 20, 4, NOW)
    database = Database(primary, replica)
    assert database.row("alert", alert="alert-00001") is None
    with database.transaction() as transaction:
        assert transaction.execute("acknowledge", alert="alert-00001", now=NOW, actor="kim") == 1
    assert database.written("alert", alert="alert-00001") is not None
    database.close()
