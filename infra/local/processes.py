"""Starts processes that outlive the starting command, so that a later command can inspect and stop them.

Each process leads a session of its own and is recorded with its start time, so that a recycled id is not mistaken for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.errors import FireError

RECORD = "process.json"
TAIL_LINES = 15
LOG_LIMIT_BYTES = 20_000_000
_children: dict[int, subprocess.Popen[bytes]] = {}


class ProcessError(FireError):
    """A process did not start or ended too early; the text quotes the end of its log."""


@dataclass(frozen=True)
class Record:
    """A started process; `pid` is also the id of its session, `start` its start time in clock ticks since `boot`."""

    pid: int
    start: int
    boot: str
    log: str


@dataclass(frozen=True)
class Identity:
    """The user a process runs as: another uid, the user that the command `prefix` changes to, or by default the current one."""

    uid: int | None = None
    prefix: tuple[str, ...] = ()

    def popen(self) -> dict[str, Any]:
        """Returns the keyword arguments of `subprocess.Popen` that change the uid."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def start(folder: Path, command: Sequence[str], *, env: Mapping[str, str], cwd: Path | str | None = None,
          identity: Identity = Identity(), log: str = "output.log") -> Record:
    """Starts `command` in a session of its own; writes its output to `folder/log` and its record to the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / log
    _shorten(path)
    with path.open("ab") as output:
        child = subprocess.Popen([*identity.prefix, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 env=dict(env), cwd=cwd or folder, start_new_session=True, **identity.popen())
    _children[child.pid] = child
    record = Record(child.pid, _started(child.pid) or 0, _boot(), str(path))
    _write(folder / RECORD, record)
    return record


def _shorten(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old"))


def _write(path: Path, record: Record) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(record)))
    part.replace(path)


def record_of(folder: Path) -> Record | None:
    """Returns the record of the process last started in `folder`, whether or not it still runs; None if there is none."""
    try:
        return Record(**json.loads((folder / RECORD).read_text()))
    except FileNotFoundError:
        return None


def alive(folder: Path) -> bool:
    """Returns whether the process last started in `folder` still runs."""
    record = record_of(folder)
    return record is not None and is_alive(record)


def is_alive(record: Record) -> bool:
    """Returns whether this process still runs; a later process with the same id does not count."""
    _reap(record.pid)
    return record.boot == _boot() and _started(record.pid) == record.start


def stop(folder: Path, first: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> bool:
    """Stops the process started in `folder` and its whole session; returns whether any process was running.

    The leader receives the signal `first`; processes that remain after `grace` seconds, or without a leader, are killed.
    """
    record = record_of(folder)
    if record is None:
        return False
    ran = bool(members(record))
    if is_alive(record):
        os.kill(record.pid, first)
        _until(lambda: not is_alive(record), grace)
    _kill(record)
    (folder / RECORD).unlink(missing_ok=True)
    return ran


def _kill(record: Record) -> None:
    for _ in range(50):
        left = members(record)
        if not left:
            return
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.1)
    raise ProcessError(f"processes {left} of session {record.pid} survive SIGKILL; end them by hand "
                       f"(log: {record.log})")


def _signal(pid: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the process has ended
        os.kill(pid, which)


def members(record: Record) -> list[int]:
    """Returns the process ids in the record's session; the kernel does not reuse its id while the session exists."""
    _reap(record.pid)
    recycled = _started(record.pid) not in (None, record.start)
    if record.boot != _boot() or recycled:
        return []
    return [pid for pid in _all_pids() if _session(pid) == record.pid]


def working_in(folder: Path) -> list[int]:
    """Process ids whose current directory is `folder`, as far as this user may see them."""
    return [pid for pid in _all_pids() if _stat(pid) and _directory(pid) == folder]


def _directory(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return None


def wait_until(ready: Callable[[], bool], what: str, folder: Path, seconds: float) -> None:
    """Waits until `ready` returns true.

    Raises:
        ProcessError: the process in `folder` ended, or `seconds` have passed; the text quotes the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not alive(folder):
            raise ProcessError(f"{what} ended while starting{log_tail(folder)}")
        if time.monotonic() > deadline:
            raise ProcessError(f"{what} was not ready within {seconds:.0f} s{log_tail(folder)}")
        time.sleep(0.1)


def log_tail(folder: Path) -> str:
    """Returns the end of the newest logs in `folder`, as the last part of an error's text."""
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    texts = [f"; the end of {path}:\n{tail(path)}" for path in logs[-2:] if path.stat().st_size]
    return "".join(texts) or "; it wrote no log"


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """Returns the last lines of a text file, indented."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        return "\n".join(f"  {line[:400]}" for line in file.read().decode(errors="replace").splitlines()[-lines:])


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def _reap(pid: int) -> None:
    if pid in _children and _children[pid].poll() is not None:
        del _children[pid]


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Returns the fields of /proc/PID/stat after the command's name; empty for a process that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields


def _started(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _session(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[3]) if fields else None


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
