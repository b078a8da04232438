"""The embedded stack's metrics exporter, which runs `./fire metrics` on the loopback address."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core import installation
from infra.local import ports, processes

START_SECONDS = 300.0


def folder(home: Path) -> Path:
    """Returns the folder of the exporter's process record and log."""
    return installation.state(home) / "metrics"


def start(home: Path, port: int) -> None:
    """Starts the exporter unless it runs, and waits until it answers; it finds the stack through the home's records."""
    here = folder(home)
    if processes.alive(here):
        return
    command = [sys.executable, "-P", "-m", "commands.cli", "metrics", "--port", str(port),
               "--disk", str(installation.state(home))]
    processes.start(here, command, env=os.environ | {"FIRE_HOME": str(home), "PYTHONPATH": str(installation.ROOT)})
    processes.wait_until(lambda: ports.accepts(port), f"the metrics exporter on 127.0.0.1:{port}", here, START_SECONDS)


def stop(home: Path) -> bool:
    """Stops the exporter; returns whether it ran."""
    return processes.stop(folder(home))
