"""Samples what this process and its children spend, by part, while they read a file; needs the /proc of Linux."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil

from commands.bench.marginal import JIT, Sample

INTERVAL_SECONDS = 0.25
PYTHON, FLINK, GARBAGE = "Python", "Flink", "garbage collection"
PARTS = (PYTHON, FLINK, GARBAGE, JIT)
THREADS = {"C1 Compiler": JIT, "C2 Compiler": JIT, "GC Thread": GARBAGE, "G1 ": GARBAGE, "VM Thread": GARBAGE}
"""Beginning of the name of a JVM's thread → its part; all other threads work for Flink."""
TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Samples CPU time by part and the share of a file that has been read, from the start of a block to its end.

    Processes and threads that end in between keep their last figure. The meter's own thread is not counted.
    """

    def __init__(self, file: Path) -> None:
        self.samples: list[Sample] = []
        self._file, self._size = str(file), file.stat().st_size
        self._seen: dict[tuple[int, float, int], tuple[str, float]] = {}
        self._own, self._lock, self._stop = 0.0, threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> Meter:
        self._began, self._before = time.monotonic(), Counter[str]()
        self._before = Counter(self._spent())
        self.sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.sample(read=1.0)

    def sample(self, read: float | None = None) -> Sample:
        """Takes a sample now and returns it."""
        with self._lock:
            own = time.thread_time()
            share = self._read() if read is None else read
            cpu = {part: seconds - self._before[part] for part, seconds in self._spent().items()}
            self.samples.append(Sample(share, time.monotonic() - self._began, cpu))
            self._own += time.thread_time() - own
            return self.samples[-1]

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            self.sample()

    def _spent(self) -> dict[str, float]:
        here = psutil.Process()
        for process in [here, *here.children(recursive=True)]:
            try:
                self._seen.update(_spenders(process))
            except psutil.NoSuchProcess:
                continue  # keeps its last figure
        spent = dict.fromkeys(PARTS, 0.0)
        for (_, _, thread), (part, seconds) in self._seen.items():
            spent[part] += seconds
            spent[FLINK] -= seconds if thread else 0.0
        spent[PYTHON] -= self._own
        return spent

    def _read(self) -> float:
        """The position of whoever has the file open; after it is closed, the last one that was seen."""
        children = psutil.Process().children(recursive=True)
        positions = [position for child in children for path, position in _open_files(child) if path == self._file]
        before = self.samples[-1].read if self.samples else 0.0
        return max(before, max(positions, default=0) / self._size)


def _spenders(process: psutil.Process) -> Iterator[tuple[tuple[int, float, int], tuple[str, float]]]:
    """The process as a whole (thread 0), and of a JVM the threads that are a part of their own."""
    times, started = process.cpu_times(), process.create_time()
    is_java = process.name() == "java"
    yield (process.pid, started, 0), (FLINK if is_java else PYTHON, times.user + times.system)
    for thread, name, seconds in _threads(process.pid) if is_java else ():
        part = part_of(name)
        if part != FLINK:
            yield (process.pid, started, thread), (part, seconds)


def part_of(name: str) -> str:
    """Returns the part that a JVM's thread works for, by its name (15 bytes in /proc)."""
    return next((part for beginning, part in THREADS.items() if name.startswith(beginning)), FLINK)


def _threads(pid: int) -> Iterator[tuple[int, str, float]]:
    for folder in Path(f"/proc/{pid}/task").iterdir():
        try:
            status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended between listing and reading
        name, seconds = thread_status(status)
        yield int(folder.name), name, seconds


def thread_status(status: str) -> tuple[str, float]:
    """Returns name and CPU-seconds of a thread from its `/proc/PID/task/TID/stat`; a name may contain blanks and brackets."""
    head, _, fields = status.rpartition(")")
    user, system = fields.split()[11:13]
    return head.partition("(")[2], (int(user) + int(system)) / TICKS


def _open_files(process: psutil.Process) -> list[tuple[str, int]]:
    """Path and position of each file that a process has open."""
    try:
        return [(each.path, each.position) for each in process.open_files()]
    except psutil.NoSuchProcess:
        return []
