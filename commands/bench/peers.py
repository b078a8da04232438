"""Measures W1 beside the same work of others: Spark Structured Streaming, bytewax, and a plain loop as the floor.

The scripts are in `tests/bench/peers` and run in a venv of their own. A peer reads the input in files of equal size. What a
message costs is the difference between a run over all files and one over the first half, so that the start does not count.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.bench import flink, telemetry
from commands.bench.meter import Meter
from commands.bench.telemetry import Telemetry
from core import installation
from core.errors import FireError
from core.installation import ROOT
from core.settings import Settings
from infra.local import java, processes

REQUIREMENTS = ROOT / "tests" / "bench" / "requirements.txt"
PEERS = {"loop": "plain loop over orjson and NumPy, one process, no recovery",
         "spark_pandas": "Spark Structured Streaming, NumPy core in a pandas UDF",
         "spark_native": "Spark Structured Streaming, native expressions",
         "bytewax_dataflow": "bytewax, NumPy core, state and windows of each device"}
FILES = 4
"""Files of the input, an even number; Spark makes a batch of each."""
COUNTED = flink.W1_COUNTED


class PeersError(FireError):
    """The peers could not be installed; the text quotes the end of the log and gives the remedy."""


@dataclass(frozen=True)
class Run:
    """What a peer took for the first half of the messages and for all, in CPU-seconds without JIT, and the rows of the latter."""

    messages: int
    half: float
    whole: float
    rows: dict[str, int]
    failures: Sequence[str] = ()

    def problems(self, must: dict[str, int]) -> list[str]:
        """Why the run is void; empty if it counts."""
        short = "all messages took no more than half of them; raise --messages" if self.whole <= self.half else ""
        return [*self.failures] or [*telemetry.differences(must, self.rows), *filter(None, [short])]

    @property
    def per_million(self) -> float:
        """CPU-seconds per million messages of the second half."""
        return 1e6 * (self.whole - self.half) / (self.messages / 2)


@dataclass(frozen=True)
class Result:
    """The CPU-seconds per million messages of each run of a work, or why they are void."""

    about: str
    costs: Sequence[float]
    problems: Sequence[str] = ()

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.costs)


def measure(messages: int, devices: int, times: int) -> list[Result]:
    """Runs W1 and then every peer on the same messages, each as often as `times` says; W1 comes first in the result.

    Raises:
        PeersError: the packages of the peers cannot be installed.
    """
    python = install(installation.home_folder(Settings.load()))
    [w1] = flink.measure([flink.WORKS["w1"]], messages, devices, times)
    with tempfile.TemporaryDirectory(prefix="fire-peers-") as folder:
        given = telemetry.make(Path(folder) / "telemetry.jsonl", messages, devices)
        split(given.file, given.messages, Path(folder) / "whole", Path(folder) / "half")
        results = [_measured(name, python, given, times) for name in PEERS]
    costs = [run.stretch.net_per_million for run in w1.runs] if not w1.problems else []
    return [Result("W1 of this project on Flink", costs, w1.problems), *results]


def install(home: Path) -> Path:
    """Returns the Python of the peers' venv, made again whenever its requirements change."""
    venv, log = home / "bench-venv", home / "bench-install.log"
    stamp, wanted = venv / "requirements.stamp", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _say("installs the peers (first use only)")
        shutil.rmtree(venv, ignore_errors=True)
        _logged([sys.executable, "-m", "venv", str(venv)], log)
        _logged([str(venv / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--no-input", "-r",
                 str(REQUIREMENTS)], log)
        stamp.write_text(wanted, encoding="utf-8")
    return venv / "bin" / "python"


def _logged(command: list[str], log: Path) -> None:
    with log.open("w", encoding="utf-8") as out:
        ended = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode:
        raise PeersError(f"the packages of the peers could not be installed; the end of {log}:\n{processes.tail(log)}\n"
                         "Remedy: check the network and the disk, then run the command again.")


def split(file: Path, messages: int, whole: Path, half: Path) -> None:
    """Writes the messages to `FILES` files in `whole`, a second apart and not older than the source, and links half to `half`."""
    whole.mkdir()
    half.mkdir()
    with file.open("rb") as lines:
        for number in range(FILES):
            part = whole / f"telemetry-{number:02}.jsonl"
            part.write_bytes(b"".join(itertools.islice(lines, -(-messages // FILES))))
            modified = file.stat().st_mtime_ns + number * 1_000_000_000
            os.utime(part, ns=(modified, modified))
            if number < FILES // 2:
                os.link(part, half / part.name)


def _measured(name: str, python: Path, given: Telemetry, times: int) -> Result:
    must = {result: given.expected[result] for result in COUNTED}
    runs = []
    for number in range(1, times + 1):
        _say(f"runs {name}, {number} of {times}")
        runs.append(run_once(name, python, given))
    problems = [f"run {number}: {problem}" for number, run in enumerate(runs, 1) for problem in run.problems(must)]
    return Result(PEERS[name], [run.per_million for run in runs], problems)


def run_once(name: str, python: Path, given: Telemetry) -> Run:
    """Runs a peer over the first half and over all of an input that is split, and removes what it has written."""
    folder = given.file.parent
    out, log = folder / "out", folder / "peer.log"
    half, failed_half = _spent(name, python, given, folder / "half", out, log)
    shutil.rmtree(out, ignore_errors=True)
    whole, failed_whole = _spent(name, python, given, folder / "whole", out, log)
    rows = telemetry.found(out) if not failed_half + failed_whole else {}
    shutil.rmtree(out, ignore_errors=True)
    return Run(given.messages, half, whole, rows, failed_half + failed_whole)


def _spent(name: str, python: Path, given: Telemetry, folder: Path, out: Path, log: Path) -> tuple[float, list[str]]:
    """CPU-seconds without JIT of a peer and all its processes, and why it failed."""
    arrived_ms = given.file.stat().st_mtime_ns // 1_000_000
    command = [str(python), "-P", "-m", f"tests.bench.peers.{name}", str(folder), str(out), str(arrived_ms)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAVA_HOME": str(java.find().home)}
    with Meter(given.file) as meter, log.open("w", encoding="utf-8") as said:
        ended = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, env=environment, check=False)
    failures = [f"{name} ended with exit code {ended.returncode}:\n{processes.tail(log)}"] if ended.returncode else []
    return meter.samples[-1].net, failures


def figures(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Returns a line for each work: its cost, that of each run, and its ratio to W1 on Flink; void ones say why."""
    w1 = results[0]
    return [(each.about, _shown(each, w1)) for each in results]


def _shown(result: Result, w1: Result) -> str:
    if result.problems:
        return "VOID: " + "; ".join(result.problems)
    each = ", ".join(f"{cost:.1f}" for cost in result.costs)
    ratio = "" if w1.problems else f"; W1 on Flink costs {w1.median / result.median:.2f} times as much"
    return f"{result.median:.1f} CPU-s per million messages ({each}){ratio}"


def _say(what: str) -> None:
    print(f"bench {what}", file=sys.stderr, flush=True)
