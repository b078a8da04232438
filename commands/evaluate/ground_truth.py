"""Ground truth of the published measurements: the time by which a fire must be seen, and the times of a machine's faults."""

from __future__ import annotations

import csv
import gzip
import re
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from commands.evaluate.datasets import MOVED

ACTIVATIONS = "fire/nist_home_smoke_alarm_activations.csv"
FAULTS = "temperature/nab_anomaly_windows.csv"
FAULTS_OF = "nab-machine-temperature"
FAILING_C = 200.0
"""Temperature at which thermoplastic cable fails, approximately."""
SAMPLES = 5
"""Number of consecutive samples at `FAILING_C` after which a cable counts as hot, from the first of them."""


def deadline(data: Path, test: str) -> tuple[float | None, str]:
    """Returns the seconds from a test's start to the latest time for an alarm, and what happens then; None if unknown."""
    if match := re.fullmatch(r"nist-(SDC\d+)", test):
        return _median_alarm(data / ACTIVATIONS, match[1]), "median smoke alarm"
    if match := re.fullmatch(r"carolfire-(\d+)", test):
        return _failing(data / f"cable/carolfire_penlight_{match[1]}.csv"), f"cable at {FAILING_C:.0f} °C"
    return None, ""


def first_smoke_alarm(data: Path, test: str) -> float | None:
    """Returns the seconds from a home fire's start to the first of its real smoke alarms; None for other tests."""
    match = re.fullmatch(r"nist-(SDC\d+)", test)
    return min(_alarms(data / ACTIVATIONS, match[1]), default=None) if match else None


def faults(data: Path) -> list[tuple[datetime, datetime]]:
    """Returns start and end of the machine's known faults, moved like its messages; empty if the folder does not list them."""
    return [(_utc(row["window_start"]) + MOVED, _utc(row["window_end"]) + MOVED) for row in _rows(data / FAULTS)]


def _median_alarm(file: Path, test: str) -> float | None:
    """Returns the median of the seconds at which the test's real smoke alarms went off; None if none did."""
    times = _alarms(file, test)
    return statistics.median(times) if times else None


def _alarms(file: Path, test: str) -> list[float]:
    return [float(row["activation_s"]) for row in _rows(file) if row["test"] == test]


def _failing(file: Path) -> float | None:
    """Returns the second at which the first cable channel reaches `FAILING_C` for `SAMPLES` samples; None if none does."""
    rows = list(_rows(file))
    channels = [name for name in (rows[0] if rows else {}) if name.startswith("cable_")]
    starts = [start for name in channels if (start := _held(rows, name)) is not None]
    return min(starts, default=None)


def _held(rows: list[dict[str, str]], channel: str) -> float | None:
    held = 0
    for number, row in enumerate(rows):
        held = held + 1 if row[channel] and float(row[channel]) >= FAILING_C else 0
        if held == SAMPLES:
            return float(rows[number - SAMPLES + 1]["t_s"])
    return None


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """Yields the rows of a CSV file, or of its compressed form beside it; none if there is neither."""
    packed = file.with_name(f"{file.name}.gz")
    opener, found = (gzip.open, packed) if packed.is_file() else (open, file)
    if found.is_file():
        with opener(found, "rt", encoding="utf-8", newline="") as text:
            yield from csv.DictReader(text)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
