"""Processes that outlive the command that starts them, and are found, judged and stopped again by a later one.

Each leads a session of its own and is recorded with its start time, so that a recycled id is never taken for it.
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
    """A process did not start or ended too early; the text holds the end of its log."""


@dataclass(frozen=True)
class Record:
    """A started process: `pid` is also its session's id, `start` its start in clock ticks since `boot`."""

    pid: int
    start: int
    boot: str
    log: str


@dataclass(frozen=True)
class Identity:
    """As whom a process runs: under another uid, behind a command that changes it, or (default) as we do."""

    uid: int | None = None
    prefix: tuple[str, ...] = ()

    def popen(self) -> dict[str, Any]:
        """The arguments of `subprocess.Popen` that change the uid."""
        return {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}


def start(folder: Path, command: Sequence[str], *, env: Mapping[str, str], cwd: Path | str | None = None,
          identity: Identity = Identity(), log: str = "output.log") -> Record:
    """Starts `command` in a session of its own, its output in `folder/log`, its record beside it."""
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
    """The record of what was started in `folder`, alive or not."""
    try:
        return Record(**json.loads((folder / RECORD).read_text()))
    except FileNotFoundError:
        return None


def alive(folder: Path) -> bool:
    """Whether the process that was started in `folder` still runs."""
    record = record_of(folder)
    return record is not None and is_alive(record)


def is_alive(record: Record) -> bool:
    """Whether this very process, and not a later one with its id, still runs."""
    _reap(record.pid)
    return record.boot == _boot() and _started(record.pid) == record.start


def stop(folder: Path, first: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> bool:
    """Ends what was started in `folder` and everything in its session; whether anything was there to end.

    The leader is asked with `first`; what is left after `grace` seconds, or without a leader, is killed.
    """
    record = record_of(folder)
    if record is None:
        return False
    found = bool(members(record))
    if is_alive(record):
        os.kill(record.pid, first)
        _until(lambda: not is_alive(record), grace)
    _kill(record)
    (folder / RECORD).unlink(missing_ok=True)
    return found


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
    with suppress(ProcessLookupError):  # ended meanwhile, which was the aim
        os.kill(pid, which)


def members(record: Record) -> list[int]:
    """Process ids in the record's session; a kernel does not give an id out again while a session carries it."""
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
    """Polls `ready`; gives up when the process in `folder` ends or time runs out.

    Raises:
        ProcessError: with the end of the process's log.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if not alive(folder):
            raise ProcessError(f"{what} ended while starting{log_tail(folder)}")
        if time.monotonic() > deadline:
            raise ProcessError(f"{what} was not ready within {seconds:.0f} s{log_tail(folder)}")
        time.sleep(0.1)


def log_tail(folder: Path) -> str:
    """The end of the logs in `folder`, as the last part of an error."""
    logs = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    texts = [f"; the end of {path}:\n{tail(path)}" for path in logs[-2:] if path.stat().st_size]
    return "".join(texts) or "; it wrote no log"


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a text file, indented."""
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
    """The fields of /proc/PID/stat after the command's name; none for a dead or a finished, unreaped process."""
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
