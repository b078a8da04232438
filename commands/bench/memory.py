"""Measures the memory of the embedded stack, with all processes that its parts have started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from infra.local import processes, stack


def by_part(home: Path) -> dict[str, float]:
    """Returns the MB (proportional set size, in which shared pages count once) of each part of the stack in a home."""
    counted, sizes = set[int](), dict[str, float]()
    # A supervised process comes after its supervisor and counts for itself, so the last come first.
    for title, folder in reversed(stack.folders(home).items()):
        pids = set(_tree(folder)) - counted
        counted |= pids
        sizes[title] = sum(map(proportional_mb, pids))
    return sizes


def _tree(folder: Path) -> Iterator[int]:
    """Yields the ids of the process that was started in a folder and of its descendants; none if it does not run."""
    record = processes.record_of(folder)
    if record and processes.is_alive(record):
        yield record.pid
        yield from (child.pid for child in psutil.Process(record.pid).children(recursive=True))


def proportional_mb(pid: int) -> float:
    """Returns the proportional set size of a process in MB, 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
