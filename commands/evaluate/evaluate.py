"""`./fire evaluate`: runs the real jobs on published measurements and checks that fires are seen in time and homes stay quiet.

A fire alarm is a transition to level HIGH or CRITICAL; in everyday operation any alert is false. A gap in a device's data is
not a fire alarm, so silences are counted separately. The result is no proof of protection: the fire tests contain no quiet
day before the fire, and the home's data no fire.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from commands.evaluate.datasets import PUBLISHED, SOURCES, convert, start_of
from commands.evaluate.ground_truth import FAULTS_OF, deadline, faults, first_smoke_alarm
from commands.replay.replay import replay
from udfs.readings.scoring import RISKY_LEVELS

FIRES = tuple(source.test.partition("-")[0] for source in SOURCES if source.start)
"""Name prefixes of the tests with fires or overheating cables; all other tests are everyday operation."""
SILENCES, EARLY = ("DEVICE_SILENT", "SITE_SILENT"), "EARLY_HEAT"
RAISED = ("OPENED", "ESCALATED")
DAY_SECONDS = 86_400
Row = dict[str, Any]


@dataclass(frozen=True)
class Early:
    """Early heat in one test: the first since the start of the fire and the first real smoke alarm, in seconds, None without one.

    `false` counts the alerts before the start, or all where nothing burns, in the `quiet_days` that the devices then report.
    """

    first_s: float | None = None
    smoke_alarm_s: float | None = None
    false: int = 0
    quiet_days: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The outcome of one test; seconds count from the start of the fire or heater and are None where there is none.

    `alerts` counts opened alerts of any type but silence, outside of the machine's known faults, `silences` those of silence;
    `alarm_type` and `alarm_s` describe the first fire alarm and `deadline_s` the latest time for it; `faults` counts the
    machine's faults, `faults_seen` those that some result revealed. `early` describes early heat.
    """

    test: str
    messages: int
    readings: int
    device_days: float
    alerts: int
    silences: int
    alarm_type: str | None
    alarm_s: float | None
    deadline_s: float | None
    deadline_is: str
    faults: int = 0
    faults_seen: int = 0
    early: Early = Early()

    @property
    def is_fire(self) -> bool:
        """Whether something burns or overheats in this test."""
        return self.test.startswith(FIRES)

    @property
    def is_complete(self) -> bool:
        """Whether every message became a stored reading."""
        return self.readings == self.messages

    @property
    def is_in_time(self) -> bool:
        """Whether the fire raised an alarm after it was lit and before its deadline, if it has one."""
        return self.alarm_s is not None and 0 <= self.alarm_s < (float("inf") if self.deadline_s is None else self.deadline_s)

    @property
    def is_right(self) -> bool:
        """Whether a fire was seen in time or everyday operation raised no alert, and no reading was lost."""
        return self.is_complete and (self.is_in_time if self.is_fire else self.alerts == 0)


def run(args: argparse.Namespace) -> int:
    """Prints one line per test and a summary; returns 1 if any test is wrong."""
    verdicts = evaluate(Path(args.data) if args.data else PUBLISHED)
    Console().print(_table(verdicts))
    print(summary(verdicts))
    print(early_summary(verdicts))
    return 0 if all(each.is_right for each in verdicts) else 1


def evaluate(data: Path) -> list[Verdict]:
    """Replays all measurements in a folder at once, in order of time, and returns a verdict for each test."""
    with tempfile.TemporaryDirectory(prefix="fire-evaluate-") as folder:
        sent = dict(convert(data, Path(folder) / "messages"))
        replay(sorted(sent, key=_first_time), Path(folder) / "out")
        results = {name: _by_site(Path(folder) / "out" / f"{name}.jsonl")
                   for name in ("readings", "alerts", "temperature_anomalies", "risk_spikes")}
    return [judge(data, file.stem, count, {name: rows[file.stem] for name, rows in results.items()})
            for file, count in sent.items()]


def judge(data: Path, test: str, messages: int, results: dict[str, list[Row]]) -> Verdict:
    """Returns the verdict on one test from its rows of each result."""
    start, (seconds, reason) = start_of(test), deadline(data, test)
    raised = [row for row in results["alerts"] if row["transition"] in RAISED]
    opened = [row for row in raised if row["transition"] == "OPENED"]
    silences = sum(row["alert_type"] in SILENCES for row in opened)
    warmed = [row for row in opened if row["alert_type"] == EARLY]
    early = _early(results["readings"], warmed, start, first_smoke_alarm(data, test))
    first = min((row for row in raised if row["level"] in RISKY_LEVELS), key=lambda row: row["event_time"], default=None)
    after = None if start is None or first is None else (_time(first["event_time"]) - start).total_seconds()
    periods = faults(data) if test == FAULTS_OF else []
    told = sum(row["alert_type"] not in SILENCES and not _is_of_a_fault(periods, row) for row in opened)
    return Verdict(test, messages, len(results["readings"]), _device_days(results["readings"]), told, silences,
                   first["alert_type"] if first else None, after, seconds, reason, len(periods), _seen(periods, results),
                   early)


def _early(readings: list[Row], opened: list[Row], start: datetime | None, smoke_alarm: float | None) -> Early:
    quiet = [row for row in readings if start is None or _time(row["event_time"]) < start]
    after = [(_time(row["event_time"]) - start).total_seconds() for row in opened] if start else []
    false = sum(each < 0 for each in after) if start else len(opened)
    return Early(min((each for each in after if each >= 0), default=None), smoke_alarm, false, _device_days(quiet))


def summary(verdicts: list[Verdict]) -> str:
    """Summarises all verdicts in one sentence."""
    fires, others = [each for each in verdicts if each.is_fire], [each for each in verdicts if not each.is_fire]
    days = sum(each.device_days for each in others)
    alerts = sum(each.alerts for each in others)
    lost = sum(each.messages - each.readings for each in verdicts)
    return (f"{sum(each.is_in_time for each in fires)} of {len(fires)} fires seen in time; {alerts} false alerts in {days:,.1f} "
            f"device-days of everyday operation ({alerts / days if days else 0:.3f} per device-day); {lost} readings lost")


def early_summary(verdicts: list[Verdict]) -> str:
    """Summarises early heat in one sentence."""
    fires = [each for each in verdicts if each.is_fire]
    seen = sum(each.early.first_s is not None for each in fires)
    before, quiet = ([each.early for each in verdicts if each.is_fire == is_fire] for is_fire in (True, False))
    return (f"early heat in {seen} of {len(fires)} fires; {sum(each.false for each in quiet)} in "
            f"{sum(each.quiet_days for each in quiet):,.1f} device-days of everyday operation, and "
            f"{sum(each.false for each in before)} in {sum(each.quiet_days for each in before):,.2f} before the fires")


def _device_days(readings: list[Row]) -> float:
    """Returns the sum of days between each device's first and last reading."""
    times: dict[str, list[str]] = defaultdict(list)
    for row in readings:
        times[row["device_id"]].append(row["event_time"])
    return sum((_time(max(each)) - _time(min(each))).total_seconds() for each in times.values()) / DAY_SECONDS


def _seen(periods: list[tuple[datetime, datetime]], results: dict[str, list[Row]]) -> int:
    """Counts the fault periods that contain an alert (other than silence), a temperature anomaly or a risk spike."""
    shown = [_time(row["event_time"]) for row in results["alerts"]
             if row["transition"] == "OPENED" and row["alert_type"] not in SILENCES]
    shown += [_time(row["minute_end"]) for name in ("temperature_anomalies", "risk_spikes") for row in results[name]]
    return sum(any(start <= each <= end for each in shown) for start, end in periods)


def _is_of_a_fault(periods: list[tuple[datetime, datetime]], alert: Row) -> bool:
    return any(start <= _time(alert["event_time"]) <= end for start, end in periods)


def _first_time(file: Path) -> int:
    with file.open("rb") as lines:
        return int(orjson.loads(next(lines))["timestamp"])


def _by_site(file: Path) -> dict[str, list[Row]]:
    sites: dict[str, list[Row]] = defaultdict(list)
    with file.open("rb") as lines:
        for row in map(orjson.loads, lines):
            sites[row["site_id"]].append({name: row[name] for name in KEPT if name in row})
    return sites


KEPT = ("device_id", "event_time", "minute_end", "transition", "alert_type", "level")
"""The fields that a verdict needs, kept to save memory: a reading has forty more."""


def _time(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


def _table(verdicts: Iterable[Verdict]) -> Table:
    table = Table("test", "messages", "lost", "early heat", "first alarm", "after", "must precede", "alerts", "silences",
                  "verdict")
    for each in verdicts:
        lost, limit = each.messages - each.readings, f"{_seconds(each.deadline_s)} {each.deadline_is}".strip()
        table.add_row(each.test, f"{each.messages:,}", str(lost), _early_words(each.early), each.alarm_type or "",
                      _seconds(each.alarm_s), limit, str(each.alerts), str(each.silences), _words(each))
    return table


def _early_words(early: Early) -> str:
    smoke = "" if early.smoke_alarm_s is None else f", smoke alarm {_seconds(early.smoke_alarm_s)}"
    return _seconds(early.first_s) + smoke


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} s"


def _words(each: Verdict) -> str:
    """Says why a test is right or wrong; the machine's faults do not affect the verdict."""
    if not each.is_complete:
        return "LOST READINGS"
    if not each.is_fire:
        fault = f", {each.faults_seen} of {each.faults} machine faults shown" if each.faults else ""
        return f"{'quiet' if each.is_right else 'FALSE ALERT'} for {each.device_days:,.1f} device-days{fault}"
    if each.alarm_s is None:
        return "MISSED"
    if each.alarm_s < 0:
        return "BEFORE THE FIRE"
    if each.deadline_s is None:
        return "seen"
    return f"{abs(each.deadline_s - each.alarm_s):,.0f} s {'earlier' if each.is_in_time else 'LATER'}"
