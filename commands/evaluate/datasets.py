"""`./fire measurements`: published measurements of fires and homes → device messages, one file of JSON lines a test.

A field is sent only where the source measured that quantity; what is missing is left out, never sent as 0. One device
is one station or channel of a test, its site is the test, its `idx` the source's row counted from 0. The fire tests
state no date: the test with number n starts n days after a date chosen here. The household's local times and the
machine's times are read as UTC. The machine's unit is unstated; it is taken to be °F, as the folder's own °C column
does. Nothing is smoothed or resampled and no analyser's zero offset is removed. Rows keep the source's order, which is
the order of time except in the machine's series: that one jumps back by 55 minutes once.
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

Row = Mapping[str, str]
CO_STATIONS = "fire/nist_home_smoke_alarm_co_stations.csv"


class MeasurementsError(FireError):
    """The folder of measurements cannot be used; the text names the file and what it lacks."""


@dataclass(frozen=True)
class Source:
    """One kind of source file: where it lies, which test it is, and which column is which field of which device.

    `columns` maps a message field to a pattern of columns; the pattern's groups, joined, name the device's channel.
    `start` dates the test numbered 0; None: the file has times of its own.
    """

    files: str
    test: str
    columns: Mapping[str, str]
    start: datetime | None = None
    has_unusable_analysers: bool = False


@dataclass(frozen=True)
class Device:
    """One station or channel of a test, and the column that feeds each of its fields."""

    device_id: str
    columns: Mapping[str, str]


SOURCES = (
    Source(r"fire/nist_home_smoke_alarm_SDC(\d+)\.csv", r"nist-SDC\1",
           {"sensorTemp": r"temp_top_c_([A-F])", "co": r"co_ppm_([A-F])"},
           start=datetime(2020, 6, 1, tzinfo=UTC), has_unusable_analysers=True),
    Source(r"fire/delco_trainer_test_(\d+)\.csv", r"delco-\1",
           {"sensorTemp": r"temp_c_(A\d+_\d)", "co": r"co_ppm_([AB])"},
           start=datetime(2020, 4, 1, tzinfo=UTC)),
    Source(r"cable/carolfire_penlight_(\d+)\.csv", r"carolfire-\1", {"sensorTemp": r"(cable)_(\d+)_c"},
           start=datetime(2020, 1, 1, tzinfo=UTC)),
    Source(r"electrical/uci_household_.*\.csv(?:\.gz)?", "uci-household",
           {"volt": "voltage_v", "ct": "current_a", "pwr": "active_power_w", "pFct": "power_factor"}),
    Source(r"temperature/nab_machine_temperature_.*\.csv(?:\.gz)?", "nab-machine-temperature",
           {"sensorTemp": "temperature_c_if_fahrenheit"}),
)
FACTORS = {"active_power_w": 0.001}
"""Source unit → message unit where they differ: W → kW."""
TIME_COLUMNS = ("ts_local", "ts")


def run(args: argparse.Namespace) -> int:
    """Runs `./fire measurements`."""
    for path, count in convert(Path(args.data), Path(args.out)):
        print(f"{path}: {count:,} messages")
    return 0


def convert(data: Path, out: Path) -> Iterator[tuple[Path, int]]:
    """Writes one `<out>/<test>.jsonl` a test, as they are iterated; yields each file and its number of messages.

    Raises:
        MeasurementsError: no file is a known source, or one lacks a column that it should have.
    """
    found = [(file, source, match) for file in sorted(data.rglob("*")) for source in SOURCES
             if (match := re.fullmatch(source.files, file.relative_to(data).as_posix()))]
    if not found:
        raise MeasurementsError(f"{data} holds no known measurements; it needs fire/, cable/, electrical/ or "
                                "temperature/ CSV files")
    out.mkdir(parents=True, exist_ok=True)
    for file, source, match in found:
        target = out / f"{match.expand(source.test)}.jsonl"
        with target.open("wb") as lines:
            count = sum(1 for message in messages(data, file) if lines.write(orjson.dumps(message) + b"\n"))
        yield target, count


def messages(data: Path, file: Path) -> Iterator[dict[str, Any]]:
    """The device messages of one source file below the folder `data`, in the file's order."""
    source, match = _source(data, file)
    test = match.expand(source.test)
    with _rows(file) as rows:
        devices = _devices(source, test, rows.fieldnames or [], _is_usable(source, data, match), file)
        clock = _clock(source, match)
        for idx, row in enumerate(rows):
            yield from _row_messages(test, devices, idx, clock(row), row)


def start_of(test: str) -> datetime | None:
    """When the fire of a test named `nist-SDC05` and the like was lit, by this module's dates; None for everyday tests."""
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
    raise MeasurementsError(f"{file} is no known source; the known ones are {known}")


@contextmanager
def _rows(file: Path) -> Iterator[csv.DictReader[str]]:
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rt", encoding="utf-8", newline="") as text:
        yield csv.DictReader(text)


def _is_usable(source: Source, data: Path, match: re.Match[str]) -> Callable[[str, str], bool]:
    """Which fields of which channels to use: of the home fires, CO only where the analyser is known to be usable."""
    if not source.has_unusable_analysers:
        return lambda field, channel: True
    if not (data / CO_STATIONS).exists():
        raise MeasurementsError(f"{data / CO_STATIONS} is missing; it says which CO analysers are usable")
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
    """Epoch milliseconds of a row: the start chosen for the test plus `t_s`, or the row's own time read as UTC."""
    if source.start is None:
        return lambda row: _epoch_ms(datetime.fromisoformat(next(row[each] for each in TIME_COLUMNS if each in row)))
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
