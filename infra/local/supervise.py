"""Keeps a process running: `python -m infra.local.supervise FOLDER COMMAND…`.

A TaskManager exits if a sink fails during shutdown, and leaves its Python workers behind if it is killed. Whenever the
child ends, the supervisor therefore ends its whole session, pauses and starts it again, until SIGTERM arrives.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from infra.local import processes

CHILD = "child"
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
SOUND_SECONDS = 60.0
GRACE_SECONDS = 4.0
"""Seconds before the child is killed; a TaskManager with Python workers stops slowly, and checkpoints make killing it safe."""


class Supervisor:
    """Restarts `command` whenever it ends; its record and log are in `folder/child`."""

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self.folder = folder / CHILD
        self.command = command
        self.asked_to_stop = threading.Event()

    def run(self) -> None:
        """Runs the command until `stop` is called; returns when the child's session has ended."""
        pause = PAUSE_SECONDS
        while not self.asked_to_stop.is_set():
            lived = self._run_once()
            pause = PAUSE_SECONDS if lived > SOUND_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
            self.asked_to_stop.wait(pause)

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Asks `run` to end; usable as a signal handler."""
        self.asked_to_stop.set()

    def _run_once(self) -> float:
        processes.stop(self.folder)
        began = time.monotonic()
        record = processes.start(self.folder, self.command, env=os.environ, cwd=Path.cwd())
        _log(f"started pid {record.pid}")
        while processes.is_alive(record) and not self.asked_to_stop.is_set():
            self.asked_to_stop.wait(0.3)
        _log("asked to stop" if self.asked_to_stop.is_set() else f"pid {record.pid} ended; ending its session")
        processes.stop(self.folder, grace=GRACE_SECONDS)
        return time.monotonic() - began


def _log(what: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {what}", flush=True)


def main() -> None:
    """Supervises the command of this process's arguments until SIGTERM arrives."""
    supervisor = Supervisor(Path(sys.argv[1]), sys.argv[2:])
    signal.signal(signal.SIGTERM, supervisor.stop)
    supervisor.run()


if __name__ == "__main__":
    main()
