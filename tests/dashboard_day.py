"""A day of a small fleet for the dashboard's tests: messages of the simulator, and the real jobs' rows of them in Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
from psycopg import sql

from jobs.fleet import messages
from jobs.scenarios import Plan
from tests.conftest import Rows

DAY = 86_400
MINUTE = 60
DEVICES, SITES = 9, 3
BURNING = "board-0001"
INCIDENTS = (("arcing", 7 * 3600, 6 * MINUTE), ("leakage", 150 * MINUTE, 5 * MINUTE), ("spreading-fire", 4 * MINUTE, 4 * MINUTE))
"""Scenario, seconds before the end, seconds that it lasts; the first device suffers all of them."""
TABLES = ("readings", "device_minutes", "device_5min_aggregates", "temperature_rises", "temperature_anomalies", "co_exposure",
          "risk_spikes", "arc_patterns", "device_correlations", "site_risk", "device_patterns")
WORDS = {"site-1": "plant-a", "site-2": "plant-b", "site-3": "school"}


def day(end_ms: int) -> list[bytes]:
    """The messages of the day that ends at `end_ms`, in order of time: one a minute and device, more in incidents."""
    incidents = [(end_ms - 1000 * before, end_ms - 1000 * (before - lasts)) for _, before, lasts in INCIDENTS]
    quiet = [(at, value) for at, value in _segment("normal", DEVICES / MINUTE, DAY, end_ms - 1000 * DAY)
             if not any(begin <= at < end for begin, end in incidents)]
    loud = [each for (scenario, before, lasts) in INCIDENTS
            for each in _segment(scenario, DEVICES / 5, lasts, end_ms - 1000 * before)]
    fallen = [(at, value) for at, value in _segment("normal", 1 / MINUTE, 3600, end_ms - 5_400_000, "meter", 1)]
    rubbish = _segment("garbage", 0.4, 3600, end_ms - 3_600_000, "panel", 2, malformed=0.03)
    return [value for _, value in sorted([*quiet, *loud, *fallen, *rubbish])]


def _segment(scenario: str, rate: float, seconds: float, start_ms: int, prefix: str = "board", devices: int = DEVICES,
             **shares: float) -> Iterator[tuple[int, bytes]]:
    plan = Plan(scenario=scenario, devices=devices, sites=min(SITES, devices), rate=rate, duration=seconds, prefix=prefix,
                seed=7, **shares)
    for place, (_, value) in enumerate(messages(plan, start_ms)):
        at = start_ms + round(1000 * place / rate)
        yield at, _named(value, at)


def _named(value: bytes, at: int) -> bytes:
    """The simulator's sites by the names of this fleet, and numbers that go on from one segment to the next."""
    for old, new in WORDS.items():
        value = value.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    try:
        document = orjson.loads(value)
        return orjson.dumps(document | {"idx": at // 1000})
    except (orjson.JSONDecodeError, TypeError):
        return value


def store(database: dict[str, Any], results: dict[str, Rows]) -> None:
    """What the store job would make of the jobs' rows: each table's rows, and alerts as their transitions left them."""
    with psycopg.connect(**database, autocommit=True) as connection:
        for table in TABLES:
            _insert(connection, table, results.get(table, []))
        for row in results["alerts"]:
            _upsert_alert(connection, row | {"state": row["transition"]})
            occasion = row["event_time"] if row["transition"] == "REMINDED" else row["opened_at"]
            _insert(connection, "alert_transitions", [row | {"occasion": occasion}])
        for row in results["alert_state"]:
            _upsert_alert(connection, row | {"state": "UPDATED"})
        _insert(connection, "dead_letters", results["dead_letters"])
        connection.execute("ANALYZE")


def _upsert_alert(connection: psycopg.Connection[Any], row: dict[str, Any]) -> None:
    cleared = row["event_time"] if row["state"] == "CLEARED" else None
    _insert(connection, "alerts", [row | {"cleared_at": cleared}], key="alert_id")


def _insert(connection: psycopg.Connection[Any], table: str, rows: Rows, key: str = "") -> None:
    if not rows:
        return
    known = {name for (name,) in connection.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s",
                                                    [table])}
    names = [name for name in rows[0] if name in known]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    changes = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names if name != key)
    conflict = sql.SQL("({}) DO UPDATE SET {}").format(sql.Identifier(key), changes) if key else sql.SQL("DO NOTHING")
    connection.execute(sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s) ON CONFLICT {2}")
                       .format(sql.Identifier(table), columns, conflict), [orjson.dumps(rows).decode()])
