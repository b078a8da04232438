"""`./fire bench`: measures CPU per message, messages per second and slot, alert latency and the dashboard.

Three measurements, to be compared only within one run on one machine, as the figures are noisy: the detect job on a file in
this process's mini-cluster, producer to alert consumer on the embedded stack, and the dashboard with 200 open pages.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

from commands.simulate.scenarios import Plan
from core.settings import Settings

if TYPE_CHECKING:
    from core.embedded_stack import Stack

MALFORMED = 0.01
WARM_UP = 100_000
"""Messages of a first run that is not measured: class loading and compilation cost as much as half a million messages."""
LATENCY_PLAN = Plan(scenario="spreading-fire", devices=120, sites=2, rate=200.0, duration=90.0, onset=2.0, prefix="bench")
WARM_UP_SECONDS = 45.0
SETTLE_SECONDS = 5.0
START_MS = 1_760_000_400_000
"""Event time of a file's first message, in epoch milliseconds; arbitrary but fixed."""


def run(args: argparse.Namespace) -> int:
    """Runs all measurements, or only `args.only`, and prints a table for each."""
    from commands.bench import dashboard

    measurements = {"file": lambda: file_figures(args.messages, args.devices), "latency": latency_figures,
                    "dashboard": dashboard.figures}
    for name, measure in measurements.items():
        if args.only in (None, name):
            _print(measure())
    return 0


def _print(figures: list[tuple[str, str]]) -> None:
    table = Table("measurement", "figure")
    for name, figure in figures:
        table.add_row(name, figure)
    Console().print(table)


def file_figures(messages: int, devices: int) -> list[tuple[str, str]]:
    """Measures the detect job with parallelism 1: messages per second and CPU-seconds per million messages."""
    with tempfile.TemporaryDirectory(prefix="fire-bench-") as folder:
        warm, counted = Path(folder) / "warm.jsonl", Path(folder) / "counted.jsonl"
        write_telemetry(warm, WARM_UP, devices)
        write_telemetry(counted, messages, devices)
        measured(lambda: detect(warm, Path(folder) / "warm"))
        wall, cpu = measured(lambda: detect(counted, Path(folder) / "out"))
    return [(f"file → results, {messages:,} messages, {devices:,} devices, 1 % malformed", f"{wall:.1f} s, {cpu:.1f} CPU-s"),
            ("messages per second", f"{messages / wall:,.0f}"),
            ("CPU-seconds per million messages", f"{cpu / messages * 1e6:.1f}")]


def write_telemetry(file: Path, messages: int, devices: int) -> None:
    """Writes the messages of a fleet with a fire, one per second and device, 1 % of them malformed."""
    from commands.simulate.sender import write

    plan = Plan(scenario="spreading-fire", devices=devices, sites=max(devices // 10, 1), rate=float(devices), count=messages,
                malformed=MALFORMED, duplicates=0.0)
    with file.open("wb") as out:
        write(plan, START_MS, out)


def detect(file: Path, out: Path) -> None:
    """Runs the whole detect job on a file with parallelism 1."""
    from commands.replay.replay import local_configuration
    from jobs import detect as job

    settings = replace(Settings.load(), source="file", file_input=str(file), file_output=str(out), parallelism=1)
    job.start(settings, local_configuration()).wait()


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Runs `work` and returns its wall-clock seconds and the CPU seconds of this process, its JVM and its Python workers."""
    with Sampled() as sampled:
        began = time.monotonic()
        work()
        wall = time.monotonic() - began
    return wall, sampled.cpu_seconds


class Sampled:
    """Measures the CPU time of the process tree by sampling, to include workers that exit early."""

    def __enter__(self) -> Sampled:
        self._seen: dict[tuple[int, float], float] = {}
        self._sample()
        self._before = dict(self._seen)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()
        self.cpu_seconds = sum(spent - self._before.get(process, 0.0) for process, spent in self._seen.items())

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self._sample()

    def _sample(self) -> None:
        here = psutil.Process()
        for process in [here, *here.children(recursive=True)]:
            try:
                times, key = process.cpu_times(), (process.pid, process.create_time())
            except psutil.NoSuchProcess:
                continue
            self._seen[key] = times.user + times.system


def latency_figures() -> list[tuple[str, str]]:
    """Measures p50 and p99 from a device's send to the alert consumer, on an embedded stack of its own."""
    from commands.cluster.submit import submit
    from commands.demo.watch import Watch
    from core import installation
    from infra.local import stack

    with stack.own(installation.home_folder(Settings.load()), "bench", print) as running:
        submit(running, jobs=("detect", "alert"))
        watch = Watch(running.settings(), "")
        _send(running, replace(LATENCY_PLAN, prefix="warm", duration=WARM_UP_SECONDS))
        watch.arrivals.clear()
        _send(running, LATENCY_PLAN)
        latencies = [each.latency_ms for each in watch.arrivals.values() if each.alert["transition"] != "CLEARED"]
        watch.close()
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return [(f"send → alert consumer at {LATENCY_PLAN.rate:g} messages/s, {len(latencies)} transitions",
             f"p50 {cuts[49]:,.0f} ms, p99 {cuts[98]:,.0f} ms")]


def _send(running: Stack, plan: Plan) -> None:
    """Sends a plan's messages and waits until the last one has had time to raise its alert."""
    from commands.simulate.sender import Fleet

    fleet = Fleet(plan, running.kafka_brokers, running.settings().topic("telemetry"))
    fleet.start()
    while fleet.running:
        fleet.wait(1.0)
    fleet.stop()
    time.sleep(SETTLE_SECONDS)
