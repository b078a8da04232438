"""A day of a small fleet for the dashboard's tests: rows that the real jobs made from simulated messages, shifted to end now.

`tests/vectors/dashboard_day.jsonl.gz` has the rows that the pages show; `python -m tests.support.dashboard_day` recreates it.
"""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import sql

from commands.simulate.fleet import messages
from commands.simulate.scenarios import Plan

Row = dict[str, Any]
FILE = Path(__file__).parents[1] / "vectors" / "dashboard_day.jsonl.gz"
END = datetime(2025, 11, 3, 8, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86_400
DEVICES, SITES = 9, 3
BURNING, SILENT = "board-0001", "meter-0001"
INCIDENTS = (("arcing", 7 * HOUR, 6 * MINUTE), ("leakage", 150 * MINUTE, 5 * MINUTE), ("spreading-fire", 4 * MINUTE, 4 * MINUTE))
"""Each scenario with its start in seconds before the end and its duration in seconds; all of them affect the first device."""
WORDS = {"site-1": "plant-a", "site-2": "plant-b", "site-3": "school"}
KEPT = {"readings": ("event_time", HOUR // 2), "device_minutes": ("minute_end", HOUR), "site_risk": ("window_end", HOUR),
        "device_patterns": ("window_end", HOUR // 6)}
"""The time column of a table and the seconds that are kept; all readings and minutes of two devices and all other tables stay."""
TABLES = (*KEPT, "temperature_rises", "early_heat", "temperature_anomalies", "co_exposure", "risk_spikes",
          "arc_patterns", "device_correlations", "alerts", "alert_state", "dead_letters")
TIME = re.compile(rb"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)(?=\.\d{3}Z| UTC)")


def day(end: datetime = END) -> list[bytes]:
    """Returns the messages of the day in order of time: one per device and minute, more in incidents, and some malformed ones."""
    last = round(end.timestamp() * 1000)
    incidents = [(last - 1000 * before, last - 1000 * (before - lasts)) for _, before, lasts in INCIDENTS]
    quiet = [(at, value) for at, value in _segment("normal", DEVICES / MINUTE, DAY, last - 1000 * DAY)
             if not any(begin <= at < until for begin, until in incidents)]
    loud = [each for (scenario, before, lasts) in INCIDENTS
            for each in _segment(scenario, DEVICES / 5, lasts, last - 1000 * before)]
    silenced = _segment("normal", 1 / MINUTE, HOUR, last - 5_400_000, "meter", 1)
    rubbish = _segment("garbage", 0.4, HOUR, last - 3_600_000, "panel", 2, malformed=0.03)
    return [value for _, value in sorted([*quiet, *loud, *silenced, *rubbish])]


def _segment(scenario: str, rate: float, seconds: float, start_ms: int, prefix: str = "board", devices: int = DEVICES,
             **shares: float) -> Iterator[tuple[int, bytes]]:
    plan = Plan(scenario=scenario, devices=devices, sites=min(SITES, devices), rate=rate, duration=seconds, prefix=prefix,
                seed=7, **shares)
    for index, (_, value) in enumerate(messages(plan, start_ms)):
        at = start_ms + round(1000 * index / rate)
        yield at, _named(value, at)


def _named(value: bytes, at: int) -> bytes:
    """Renames the simulator's sites for this fleet, and numbers messages continuously across segments."""
    for old, new in WORDS.items():
        value = value.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
    try:
        document = orjson.loads(value)
        return orjson.dumps(document | {"idx": at // 1000})
    except (orjson.JSONDecodeError, TypeError):
        return value


def make() -> None:
    """Replays the day through the real jobs and packs the rows that the pages show."""
    from commands.replay.replay import replay

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "day.jsonl").write_bytes(b"".join(value + b"\n" for value in day()))
        replay([Path(folder) / "day.jsonl"], Path(folder) / "out")
        pack(Path(folder) / "out", END)


def pack(results: Path, end: datetime) -> None:
    """Writes the file: the first line contains the end of the day, each further line a row of a table."""
    lines = [orjson.dumps({"end": end.isoformat()})]
    for table in TABLES:
        rows = map(orjson.loads, (results / f"{table}.jsonl").read_bytes().splitlines())
        lines += [orjson.dumps({"table": table, "row": _located(row)}) for row in rows if _is_kept(table, row, end)]
    FILE.write_bytes(gzip.compress(b"\n".join(lines), mtime=0))


def _is_kept(table: str, row: Row, end: datetime) -> bool:
    if table not in KEPT or (table in ("device_minutes", "readings") and row["device_id"] in (BURNING, SILENT)):
        return True
    name, seconds = KEPT[table]
    return datetime.fromisoformat(row[name]) > end - timedelta(seconds=seconds)


def _located(row: Row) -> Row:
    """Replaces the source of a refused message, a line of the replayed file, by a position in Kafka."""
    return row | {"source": f"telemetry[0]@{row['source'].rpartition(':')[2]}"} if "source" in row else row


def store(database: dict[str, Any], now: datetime) -> None:
    """Stores the day as the store job would, shifted by whole minutes so that it ends within the minute before `now`."""
    first, *lines = gzip.decompress(FILE.read_bytes()).splitlines()
    end = datetime.fromisoformat(orjson.loads(first)["end"])
    moved = [orjson.loads(TIME.sub(_later(timedelta(minutes=(now - end) // timedelta(minutes=1))), line)) for line in lines]
    with psycopg.connect(**database, autocommit=True) as connection:
        for table in TABLES:
            _store(connection, table, [each["row"] for each in moved if each["table"] == table])
        connection.execute("ANALYZE")


def _later(shift: timedelta) -> Any:
    def moved(match: re.Match[bytes]) -> bytes:
        at = datetime.fromisoformat(f"{match[1].decode()}T{match[3].decode()}") + shift
        return at.strftime(f"%Y-%m-%d{match[2].decode()}%H:%M:%S").encode()

    return moved


def _store(connection: psycopg.Connection[Any], table: str, rows: list[Row]) -> None:
    if table not in ("alerts", "alert_state"):
        insert(connection, table, rows)
    for row in rows if table in ("alerts", "alert_state") else ():
        store_alert(connection, row)


def store_alert(connection: psycopg.Connection[Any], row: Row) -> None:
    """Stores a record of the alert topics as the store job does, without touching the columns that people's actions set."""
    transition = row.get("transition")
    cleared = row["event_time"] if transition == "CLEARED" else None
    insert(connection, "alerts", [row | {"state": transition or "UPDATED", "cleared_at": cleared}], key="alert_id")
    if transition:
        occasion = row["event_time"] if transition == "REMINDED" else row["opened_at"]
        insert(connection, "alert_transitions", [row | {"occasion": occasion}])


def insert(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row], key: str = "") -> None:
    """Inserts rows by column name; an existing row is updated if `key` names its key, and otherwise kept."""
    rows = list(rows)
    existing = {name for (name,) in connection.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s",
                                                       [table])}
    names = [name for name in rows[0] if name in existing] if rows else []
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    changes = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names if name != key)
    conflict = sql.SQL("({}) DO UPDATE SET {}").format(sql.Identifier(key), changes) if key else sql.SQL("DO NOTHING")
    statement = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_recordset(NULL::{0}, %s) ON CONFLICT {2}")
    if rows:
        connection.execute(statement.format(sql.Identifier(table), columns, conflict), [orjson.dumps(rows).decode()])


if __name__ == "__main__":
    make()
