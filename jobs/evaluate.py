"""`./fire evaluate`: the real jobs over published measurements; does every fire alarm, and does a normal home stay quiet?

Not a proof of protection: the fire tests hold no quiet day before the fire, and the home no fire.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from jobs.measurements import SOURCES, convert, start_of
from jobs.replay import replay

FIRES = tuple(source.test.partition("-")[0] for source in SOURCES if source.start)
"""Tests whose names begin so are fires or overheating cables; the others are everyday operation."""


@dataclass(frozen=True)
class Verdict:
    """What one test gave: `first_alert` and its time after the test's start in seconds, if it alarmed."""

    test: str
    messages: int
    readings: int
    alerts: int
    kind: str | None
    after_seconds: float | None

    @property
    def is_fire(self) -> bool:
        """Whether something burns or overheats in this test."""
        return self.test.startswith(FIRES)

    @property
    def is_right(self) -> bool:
        """A fire alarms, not before it is lit; everyday operation does not; no reading is lost."""
        alarmed = self.after_seconds is not None and self.after_seconds >= 0
        return self.readings == self.messages and (alarmed if self.is_fire else self.alerts == 0)


def run(args: argparse.Namespace) -> int:
    """Prints one line a test; exit code 1 if any is wrong."""
    verdicts = evaluate(Path(args.data))
    Console().print(_table(verdicts))
    fires = [each for each in verdicts if each.is_fire]
    others = [each for each in verdicts if not each.is_fire]
    print(f"{sum(each.alerts > 0 for each in fires)} of {len(fires)} fires alarm; "
          f"{sum(each.alerts for each in others)} alerts in everyday operation")
    return 0 if all(each.is_right for each in verdicts) else 1


def evaluate(data: Path) -> list[Verdict]:
    """Replays all measurements below a folder at once, in the order of their times; one verdict a test."""
    with tempfile.TemporaryDirectory(prefix="fire-evaluate-") as folder:
        sent = dict(convert(data, Path(folder) / "messages"))
        replay(sorted(sent, key=_first_time), Path(folder) / "out")
        readings = Counter(row["site_id"] for row in _rows(Path(folder) / "out" / "readings.jsonl"))
        alerts = [row for row in _rows(Path(folder) / "out" / "alerts.jsonl") if row["transition"] == "OPENED"]
    return [_verdict(file.stem, count, readings[file.stem], [row for row in alerts if row["site_id"] == file.stem])
            for file, count in sent.items()]


def _verdict(test: str, messages: int, readings: int, alerts: list[dict[str, Any]]) -> Verdict:
    first = min(alerts, key=lambda row: row["event_time"], default=None)
    if first is None:
        return Verdict(test, messages, readings, 0, None, None)
    start = start_of(test)
    after = None if start is None else (datetime.fromisoformat(first["event_time"]) - start).total_seconds()
    return Verdict(test, messages, readings, len(alerts), first["alert_type"], after)


def _first_time(file: Path) -> int:
    with file.open("rb") as lines:
        return int(orjson.loads(next(lines))["timestamp"])


def _rows(file: Path) -> Iterable[dict[str, Any]]:
    with file.open("rb") as lines:
        yield from map(orjson.loads, lines)


def _table(verdicts: Iterable[Verdict]) -> Table:
    table = Table("test", "messages", "alerts", "first", "after", "right")
    for each in verdicts:
        after = "" if each.after_seconds is None else f"{each.after_seconds:,.0f} s"
        table.add_row(each.test, f"{each.messages:,}", str(each.alerts), each.kind or "", after, "yes" if each.is_right else "NO")
    return table
