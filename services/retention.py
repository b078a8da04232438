"""Limits the size of the results database: adds and drops daily partitions of readings and deletes old results.

Each round also brings the table `device_registry` up to date.

    python -m services.retention              runs once, for cron
    python -m services.retention --every 1h   repeats until it is stopped, for compose and the embedded stack
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from core.database import conninfo
from core.durations import seconds
from core.logs import Report, complain, reporter
from core.settings import Settings
from services import device_registry
from udfs.registry.format import RegistryError

PARTITIONS: LiteralString = "SELECT * FROM fire_maintain_partitions(%s)"
RESULTS: LiteralString = "SELECT * FROM fire_expire_results(%s)"


@dataclass(frozen=True)
class Maintained:
    """What one round changed: numbers of days (partitions) and of rows."""

    days_added: int
    rows_moved: int
    days_dropped: int
    rows_deleted: int
    minutes_deleted: int
    aggregates_deleted: int
    alerts_deleted: int
    transitions_deleted: int
    refusals_deleted: int

    def __str__(self) -> str:
        changed = [f"{getattr(self, each.name)} {each.name.replace('_', ' ')}"
                   for each in fields(self) if getattr(self, each.name)]
        return ", ".join(changed) or "nothing to do"


def maintain(settings: Settings) -> Maintained:
    """Runs one round: the partitions of `readings`, then the other tables, each step in its own transaction.

    Raises:
        psycopg.Error: the database cannot be reached, or a writer held a lock for more than 5 s; that step changed
            nothing, and the next round repeats it.
    """
    with psycopg.connect(**conninfo(settings), autocommit=True, row_factory=dict_row) as connection:
        return Maintained(**_call(connection, PARTITIONS, settings.readings_retention_days),
                          **_call(connection, RESULTS, settings.results_retention_days))


def _call(connection: psycopg.Connection[dict[str, Any]], query: LiteralString, days: int) -> dict[str, Any]:
    row = connection.execute(query, [days]).fetchone()
    assert row is not None, "the functions return exactly one row"
    return row


def _round(settings: Settings, report: Report) -> bool:
    return _step(lambda: report(f"retention: {maintain(settings)}")) & _step(lambda: _register(settings, report))


def _register(settings: Settings, report: Report) -> None:
    changed = device_registry.fill(settings)
    if any(changed):
        report(f"retention: registry: {changed}")


def _step(work: Callable[[], None]) -> bool:
    """Does one part of a round, and returns whether it succeeded: one part's failure must not prevent the other."""
    try:
        work()
    except (psycopg.Error, RegistryError) as error:
        complain(f"retention: this round failed: {str(error).strip()}")
        return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one round, or repeats it after every pause; returns 1 if the only round failed."""
    parser = argparse.ArgumentParser(prog="python -m services.retention", description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=seconds, metavar="DURATION", help="repeat after this pause, such as 90s, 15m or 1h")
    every = parser.parse_args(argv).every
    settings = Settings.load()
    report = reporter("retention", settings)
    done = _round(settings, report)
    while every:
        time.sleep(every)
        done = _round(settings, report)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
