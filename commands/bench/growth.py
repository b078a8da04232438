"""Measures how cost and state grow with the number of devices: all of detection on a file, one message in 10 s and device.

Cost per message is compared between fleets that differ in nothing else. So that each has equally many messages, windows and
minutes of history, a fleet sends for five minutes, pauses until its hour is forgotten, and begins again.
State is measured when every device has a full hour, on the heap and in RocksDB.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from commands.bench import flink, telemetry
from commands.bench.flink import Measured
from commands.bench.sampler import Sampler
from commands.bench.telemetry import MINUTE_MS, Telemetry
from commands.simulate.scenarios import Plan
from core.settings import Settings

SECONDS_BETWEEN_MESSAGES = 10
SESSION_MINUTES, PAUSE_MINUTES = 5, 65
SESSION_MESSAGES = 60 * SESSION_MINUTES // SECONDS_BETWEEN_MESSAGES
"""Messages of a device in one session."""
FEWEST_SESSIONS = 2
"""The stretch that is measured must contain a whole session and its end."""
FLEETS = ((1_000, 10), (10_000, 10), (10_000, 30), (10_000, 100), (100_000, 10))
"""Devices, and devices at a site. The cost of the first is what the others are compared with."""
HOUR_DEVICES, HOUR_MINUTES = (1_000, 4_000), 75
"""Fleets of which the state is measured, and how long they send: until the first minutes are forgotten, and some more."""
BACKENDS = ("hashmap", "rocksdb")
CHECKPOINT_SECONDS = 5
FLAT = 0.15
"""The share by which the cost per message may differ."""


@dataclass(frozen=True)
class Fleet:
    """A fleet that was measured: its devices and how many are at a site, the backend of the state, and the run."""

    devices: int
    at_site: int
    backend: str
    measured: Measured

    @property
    def per_million(self) -> float:
        """CPU-seconds per million messages, without JIT; the median of the runs."""
        return self.measured.median(lambda run: run.stretch.net_per_million)


@dataclass(frozen=True)
class Hour:
    """A fleet whose devices have an hour of history, and the bytes of its largest checkpoint."""

    fleet: Fleet
    checkpoint: int


def costs(messages: int, times: int, fleets: Sequence[tuple[int, int]] = FLEETS) -> list[Fleet]:
    """Runs all of detection for each fleet without an hour of history, on this number of messages or more, `times` times."""
    return [_cost(messages, times, devices, at_site) for devices, at_site in fleets]


def _cost(messages: int, times: int, devices: int, at_site: int) -> Fleet:
    sessions = max(FEWEST_SESSIONS, -(-messages // (devices * SESSION_MESSAGES)))
    apart_ms = (SESSION_MINUTES + PAUSE_MINUTES) * MINUTE_MS
    plans = [(_plan(devices, at_site, SESSION_MINUTES, number), telemetry.START_MS + number * apart_ms)
             for number in range(sessions)]
    with _input(plans, SESSION_MINUTES) as given:
        return Fleet(devices, at_site, Settings.load().state_backend or BACKENDS[0], _runs(given, times))


def hours(devices: Sequence[int] = HOUR_DEVICES, backends: Sequence[str] = BACKENDS) -> list[Hour]:
    """Runs all of detection with checkpoints until every device has a full hour, with each backend."""
    return [hour for each in devices for hour in _hours(each, backends)]


def _hours(devices: int, backends: Sequence[str]) -> Iterator[Hour]:
    with _input([(_plan(devices, 10, HOUR_MINUTES), telemetry.START_MS)], HOUR_MINUTES) as given:
        for backend in backends:
            folder = given.file.parent / backend
            options = {"execution.checkpointing.interval": f"{CHECKPOINT_SECONDS} s",
                       "execution.checkpointing.dir": folder.as_uri()}
            with Sampler(partial(checkpoint_bytes, folder), 0.5) as sizes:
                measured = _runs(given, 1, options, state_backend=backend)
            yield Hour(Fleet(devices, 10, backend, measured), max(size for _, size in sizes.samples))


def checkpoint_bytes(folder: Path) -> int:
    """Returns the bytes of the largest complete checkpoint of the job in a folder, 0 if there is none.

    It consists of its own files and, if checkpoints are incremental, of those that it shares with others.
    """
    complete = [file.parent for file in folder.glob("*/chk-*/_metadata")]
    return max((_size(each) + _size(each.parent / "shared") for each in complete), default=0)


def _size(folder: Path) -> int:
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except FileNotFoundError:
        return 0  # not there, or replaced by a newer checkpoint meanwhile


@contextmanager
def _input(plans: Sequence[tuple[Plan, int]], minutes: int) -> Iterator[Telemetry]:
    plan = plans[0][0]
    with tempfile.TemporaryDirectory(prefix="fire-growth-") as folder:
        _say(f"writes the messages of {plan.devices:,} devices, {plan.devices // plan.sites} at a site: "
             f"{len(plans)} times {minutes} minutes")
        yield telemetry.write_all(Path(folder) / "telemetry.jsonl", plans, plans[-1][1] + minutes * MINUTE_MS)


def _runs(given: Telemetry, times: int, options: Mapping[str, str] = flink.DEFAULTS, **chosen: Any) -> Measured:
    _say(f"runs all of detection on {given.messages:,} messages, runs: {times}")
    work = flink.WORKS["w2"]
    runs = [flink.run_once(work, given, given.file.parent / "out", options, **chosen) for _ in range(times)]
    return Measured(work, {name: given.expected[name] for name in work.counted}, runs)


def _plan(devices: int, at_site: int, minutes: int, seed: int = 1) -> Plan:
    return Plan(scenario="normal", devices=devices, sites=max(devices // at_site, 1), seed=seed, duration=60.0 * minutes,
                rate=devices / SECONDS_BETWEEN_MESSAGES, malformed=telemetry.MALFORMED, duplicates=telemetry.DUPLICATES)


def figures(fleets: Sequence[Fleet], hours: Sequence[Hour]) -> list[tuple[str, str]]:
    """Returns a line for each fleet: its cost as a ratio to the first, and the state of those with an hour of history."""
    return [*(_shown(fleet, fleets[0]) for fleet in fleets), *(line for hour in hours for line in _state(hour, hours))]


def problems(fleets: Sequence[Fleet], hours: Sequence[Hour]) -> list[str]:
    """Returns why runs are void; empty if all count."""
    return [problem for fleet in [*fleets, *(hour.fleet for hour in hours)] for problem in fleet.measured.problems]


def _shown(fleet: Fleet, first: Fleet) -> tuple[str, str]:
    title = f"{fleet.devices:,} devices, {fleet.at_site} at a site, {fleet.measured.runs[0].messages:,} messages, {fleet.backend}"
    if void := [*fleet.measured.problems, *first.measured.problems]:
        return title, f"VOID: {'; '.join(void)}"
    ratio = fleet.per_million / first.per_million
    each = ", ".join(f"{run.stretch.net_per_million:.1f}" for run in fleet.measured.runs)
    verdict = "flat" if ratio <= 1 + FLAT else "NOT flat"
    return title, f"{fleet.per_million:.1f} CPU-s per million messages ({each}), {ratio:.2f} of the first: {verdict}"


def _state(hour: Hour, hours: Sequence[Hour]) -> list[tuple[str, str]]:
    fleet = hour.fleet
    title = f"{fleet.devices:,} devices with an hour of history, {fleet.backend}"
    if fleet.measured.problems:
        return [(title, f"VOID: {'; '.join(fleet.measured.problems)}")]
    heap = next(each.fleet for each in hours if each.fleet.devices == fleet.devices)
    ratio = fleet.per_million / heap.per_million
    return [(title, f"{fleet.per_million:.1f} CPU-s per million messages, {ratio:.2f} of {heap.backend}"),
            ("… largest checkpoint",
             f"{hour.checkpoint / 1e6:.1f} MB, {hour.checkpoint / fleet.devices / 1000:.1f} kB per device")]


def _say(what: str) -> None:
    print(f"bench {what}", file=sys.stderr, flush=True)
