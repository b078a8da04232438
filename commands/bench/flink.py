"""Runs the detect job on a file and measures its cost per message, in this process's mini-cluster with parallelism 1."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from commands.bench import marginal, telemetry
from commands.bench.marginal import JIT, Sample, Stretch
from commands.bench.meter import PARTS, Meter
from commands.bench.telemetry import Telemetry
from core.settings import Settings


@dataclass(frozen=True)
class Work:
    """A part of the detect job that is measured: the views that it writes, all if empty, and the results that are counted."""

    name: str
    about: str
    views: tuple[str, ...]
    counted: tuple[str, ...]


DEFAULTS: Mapping[str, str] = MappingProxyType({})
W1_COUNTED = ("readings", "dead_letters", "device_5min_aggregates", telemetry.OF_READINGS)
WORKS = {work.name: work for work in (
    Work("w1", "decode, refuse with reasons, deduplicate, score, 5-minute windows, candidates of readings, scored output",
         ("readings", "dead_letters", "device_5min_aggregates", "reading_candidates"), W1_COUNTED),
    Work("w2", "all of detection", (), (*W1_COUNTED, "device_minutes")))}


@dataclass(frozen=True)
class Run:
    """One run of a work: samples, the one at which the job was planned, rows, and how the machine was.

    `load` is the load average before and after the run, `yardstick` what parsing alone took just after it.
    """

    messages: int
    samples: Sequence[Sample]
    planned: Sample
    rows: dict[str, int]
    load: tuple[float, float]
    yardstick: float

    @property
    def stretch(self) -> Stretch:
        """The part of the run that is measured."""
        return marginal.stretch(self.samples, self.messages)


@dataclass(frozen=True)
class Measured:
    """The runs of one work on one input, and the rows that each must have written."""

    work: Work
    expected: dict[str, int]
    runs: Sequence[Run]

    @property
    def problems(self) -> list[str]:
        """Why the runs are void; empty if they count. Results without an expectation must be the same in every run."""
        must = self.runs[0].rows | self.expected
        return [f"run {number}: {problem}" for number, run in enumerate(self.runs, 1)
                for problem in [*telemetry.differences(must, run.rows), *filter(None, [marginal.too_short(run.samples)])]]

    def median(self, figure: Callable[[Run], float]) -> float:
        """Returns the median of a figure over the runs."""
        return statistics.median(map(figure, self.runs))


def measure(works: Collection[Work], messages: int, devices: int, times: int) -> list[Measured]:
    """Runs the works in turn on the same input, each as often as `times` says."""
    with tempfile.TemporaryDirectory(prefix="fire-bench-") as folder:
        _say(f"writes {messages:,} messages of {devices:,} devices")
        given = telemetry.make(Path(folder) / "telemetry.jsonl", messages, devices)
        made: dict[str, list[Run]] = {work.name: [] for work in works}
        for number, work in itertools.product(range(1, times + 1), works):
            _say(f"runs {work.name}, {number} of {times}")
            made[work.name].append(run_once(work, given, Path(folder) / "out"))
    return [Measured(work, {name: given.expected[name] for name in work.counted}, made[work.name]) for work in works]


def run_once(work: Work, given: Telemetry, out: Path, configuration: Mapping[str, str] = DEFAULTS, **chosen: Any) -> Run:
    """Runs a work once, with further options of Flink and chosen settings, and removes what it has written."""
    from commands.replay.replay import local_configuration
    from jobs import detect

    settings = replace(Settings.load(), source="file", file_input=str(given.file), file_output=str(out), parallelism=1,
                       registry="", deduplicate=True, **chosen)
    before = os.getloadavg()[0]
    try:
        with Meter(given.file) as meter:
            job = detect.start(settings, {**local_configuration(), **configuration}, work.views)
            planned = meter.sample()
            job.wait()
        load = (before, os.getloadavg()[0])
        return Run(given.messages, meter.samples, planned, telemetry.found(out), load, telemetry.yardstick(given.file))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def figures(measured: Measured) -> list[tuple[str, str]]:
    """Returns the figures of a work, medians of its runs; only the reasons if a run is void."""
    if measured.problems:
        return [("VOID, no figure counts", problem) for problem in measured.problems]
    return [*_costs(measured), *_fixed(measured), *_circumstances(measured)]


def _costs(measured: Measured) -> list[tuple[str, str]]:
    each = ", ".join(f"{run.stretch.net_per_million:.1f}" for run in measured.runs)
    parts = [(f"… {part}", f"{measured.median(partial(_part, part)):.1f}") for part in PARTS if part != JIT]
    return [("CPU-s per million messages, without JIT", f"{measured.median(_net):.1f} ({each})"), *parts,
            ("JIT in the same stretch, per million", f"{measured.median(partial(_part, JIT)):.1f}"),
            ("messages per second", f"{measured.median(lambda run: run.stretch.per_second):,.0f}")]


def _fixed(measured: Measured) -> list[tuple[str, str]]:
    def shown(of: Callable[[Run], Sample]) -> str:
        each = ", ".join(f"{of(run).gross:.1f}" for run in measured.runs)
        return (f"{measured.median(lambda run: of(run).wall):.1f} s, "
                f"{measured.median(lambda run: of(run).gross):.1f} CPU-s ({each}), "
                f"{measured.median(lambda run: of(run).cpu[JIT]):.1f} of it JIT")

    return [("until the job is planned", shown(lambda run: run.planned)),
            ("until the first message", shown(lambda run: marginal.first_message(run.samples))),
            ("whole run", shown(lambda run: run.samples[-1]))]


def _circumstances(measured: Measured) -> list[tuple[str, str]]:
    rows = ", ".join(f"{result.replace('_', ' ')} {rows:,}" for result, rows in measured.expected.items())
    load = ", ".join(f"{before:.1f} → {after:.1f}" for before, after in (run.load for run in measured.runs))
    parsing = ", ".join(f"{run.yardstick:.2f}" for run in measured.runs)
    return [("rows, as they must be in every run", rows), ("orjson.loads alone, CPU-s per million", parsing),
            (f"load average, {os.cpu_count()} cores", load)]


def _net(run: Run) -> float:
    return run.stretch.net_per_million


def _part(part: str, run: Run) -> float:
    return run.stretch.per_million(part)


def _say(what: str) -> None:
    print(f"bench {what}", file=sys.stderr, flush=True)
