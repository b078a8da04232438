"""`./fire measurements`: converts published measurements of fires and homes to device messages, one JSON lines file per test.

A message has a field only if the source measured that quantity; missing values are omitted, never sent as 0. A device is
one station or channel of a test, its site is the test, and its `idx` is the source's row number, from 0. The fire tests
have no dates: test number n starts n days after a date chosen here. The household's local times and the machine's times
are read as UTC and moved by `MOVED`, because messages from before 2015 are refused. The machine's unit is not stated; it is
assumed to be °F, as in the folder's own °C column. Nothing is smoothed or resampled, and no analyser's zero offset is
removed. Rows keep the order of the source, which is chronological except for the machine's series, which jumps back by 55
minutes once.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from core.errors import FireError
from core.installation import ROOT

Row = Mapping[str, str]
PUBLISHED = ROOT / "tests" / "data" / "published"
"""The measurements that come with the project; `tests/data/LICENCES.md` says whose they are."""
CO_STATIONS = "fire/nist_home_smoke_alarm_co_stations.csv"


class MeasurementsError(FireError):
    """A folder of measurements cannot be used; the text names the file and what is missing."""


@dataclass(frozen=True)
class Source:
    """A format of source files: the pattern of their paths, the name of their test, and the columns of each message field.

    `columns` maps a message field to a pattern of column names; the joined groups of a match name the device's channel.
    `start` is the time of test number 0, or None if the files have times of their own.
    """

    files: str
    test: str
    columns: Mapping[str, str]
    start: datetime | None = None
    has_unusable_analysers: bool = False


@dataclass(frozen=True)
class Device:
    """One station or channel of a test, with the source column of each of its message fields."""

    device_id: str
    columns: Mapping[str, str]


SOURCES = (
    Source(r"fire/nist_home_smoke_alarm_SDC(\d+)\.csv(?:\.gz)?", r"nist-SDC\1",
           {"sensorTemp": r"temp_top_c_([A-F])", "co": r"co_ppm_([A-F])"},
           start=datetime(2020, 6, 1, tzinfo=UTC), has_unusable_analysers=True),
    Source(r"fire/delco_trainer_test_(\d+)\.csv(?:\.gz)?", r"delco-\1",
           {"sensorTemp": r"temp_c_(A\d+_\d)", "co": r"co_ppm_([AB])"},
           start=datetime(2020, 4, 1, tzinfo=UTC)),
    Source(r"cable/carolfire_penlight_(\d+)\.csv(?:\.gz)?", r"carolfire-\1", {"sensorTemp": r"(cable)_(\d+)_c"},
           start=datetime(2020, 1, 1, tzinfo=UTC)),
    Source(r"electrical/uci_household_.*\.csv(?:\.gz)?", "uci-household",
           {"volt": "voltage_v", "ct": "current_a", "pwr": "active_power_w", "pFct": "power_factor"}),
    Source(r"temperature/nab_machine_temperature_.*\.csv(?:\.gz)?", "nab-machine-temperature",
           {"sensorTemp": "temperature_c_if_fahrenheit"}),
)
FACTORS = {"active_power_w": 0.001}
"""Factors from the unit of a source column to that of the message, if they differ: W → kW."""
MOVED = timedelta(weeks=522)
"""Ten years, in whole weeks."""
TIME_COLUMNS = ("ts_local", "ts")


def run(args: argparse.Namespace) -> int:
    """Converts `args.data` and prints each file with its number of messages."""
    for path, count in convert(Path(args.data), Path(args.out)):
        print(f"{path}: {count:,} messages")
    return 0


def convert(data: Path, out: Path) -> Iterator[tuple[Path, int]]:
    """Lazily writes `<out>/<test>.jsonl` for each test; yields each file and its number of messages.

    Raises:
        MeasurementsError: no file is a known source, or a source lacks a required column.
    """
    sources = [(file, source, match) for file in sorted(data.rglob("*")) for source in SOURCES
             if (match := re.fullmatch(source.files, file.relative_to(data).as_posix()))]
    if not sources:
        raise MeasurementsError(f"{data} contains no known measurements; it needs fire/, cable/, electrical/ or "
                                "temperature/ CSV files")
    out.mkdir(parents=True, exist_ok=True)
    for file, source, match in sources:
        target = out / f"{match.expand(source.test)}.jsonl"
        with target.open("wb") as lines:
            count = sum(1 for message in messages(data, file) if lines.write(orjson.dumps(message) + b"\n"))
        yield target, count


def messages(data: Path, file: Path) -> Iterator[dict[str, Any]]:
    """Yields the device messages of one source file in the folder `data`, in the file's order."""
    source, match = _source(data, file)
    test = match.expand(source.test)
    with _rows(file) as rows:
        devices = _devices(source, test, rows.fieldnames or [], _is_usable(source, data, match), file)
        clock = _clock(source, match)
        for idx, row in enumerate(rows):
            yield from _row_messages(test, devices, idx, clock(row), row)


def start_of(test: str) -> datetime | None:
    """Returns when the fire of a test such as `nist-SDC05` was lit, by this module's dates; None for tests without fire."""
    for source in SOURCES:
        match = re.fullmatch(source.test.replace(r"\1", r"(\d+)"), test)
        if match and source.start:
            return source.start + timedelta(days=int(match[1]))
    return None


def _source(data: Path, file: Path) -> tuple[Source, re.Match[str]]:
    for source in SOURCES:
        if match := re.fullmatch(source.files, file.relative_to(data).as_posix()):
            return source, match
    known = ", ".join(each.files for each in SOURCES)
    raise MeasurementsError(f"{file} is not a known source; use one whose path matches {known}")


@contextmanager
def _rows(file: Path) -> Iterator[csv.DictReader[str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8", newline="") as text:
        yield csv.DictReader(text)


def _is_usable(source: Source, data: Path, match: re.Match[str]) -> Callable[[str, str], bool]:
    """Returns a predicate of field and channel: in home fires, CO counts only from analysers listed as usable."""
    if not source.has_unusable_analysers:
        return lambda field, channel: True
    if not (data / CO_STATIONS).exists():
        raise MeasurementsError(f"{data / CO_STATIONS} is missing; add it, as it lists the usable CO analysers")
    with _rows(data / CO_STATIONS) as rows:
        usable = {row["station"] for row in rows if row["test"] == f"SDC{match[1]}" and row["usable"] == "1"}
    return lambda field, channel: field != "co" or channel in usable


def _devices(source: Source, test: str, header: Any, is_usable: Callable[[str, str], bool], file: Path) -> list[Device]:
    columns: dict[str, dict[str, str]] = {}
    for field, pattern in source.columns.items():
        matches = [match for column in header if (match := re.fullmatch(pattern, column))]
        if not matches:
            raise MeasurementsError(f"{file} has no column {pattern} for the field {field}; "
                                    f"its header is {','.join(header)}")
        for match in matches:
            if is_usable(field, channel := "".join(match.groups())):
                columns.setdefault(channel, {})[field] = match[0]
    return [Device(f"{test}-{channel}" if channel else test, fields) for channel, fields in columns.items()]


def _clock(source: Source, match: re.Match[str]) -> Callable[[Row], int]:
    """Returns a function from a row to epoch milliseconds: the test's start plus `t_s`, or the row's own time as UTC."""
    if source.start is None:
        return lambda row: _epoch_ms(datetime.fromisoformat(next(row[each] for each in TIME_COLUMNS if each in row)) + MOVED)
    start = _epoch_ms(source.start + timedelta(days=int(match[1])))
    return lambda row: start + round(1000 * float(row["t_s"]))


def _epoch_ms(time: datetime) -> int:
    return round(time.replace(tzinfo=UTC).timestamp() * 1000)


def _row_messages(site: str, devices: list[Device], idx: int, time: int, row: Row) -> Iterator[dict[str, Any]]:
    for device in devices:
        measured = {field: float(row[column]) * FACTORS.get(column, 1) for field, column in device.columns.items()
                    if row[column]}
        if measured:
            yield {"deviceId": device.device_id, "siteId": site, "idx": idx, "timestamp": time, **measured}
