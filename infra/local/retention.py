"""The embedded stack's retention service, which hourly creates and drops partitions of `readings` and deletes old results."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from core import embedded_stack, installation
from core.settings import Settings, variable
from infra.local import processes
from udfs.registry.source import resolved


def folder(home: Path) -> Path:
    """Returns the folder of the retention service's process record and log."""
    return installation.state(home) / "retention"


def start(home: Path, port: int) -> None:
    """Starts the retention service for the database on `port`, unless it runs."""
    if processes.alive(folder(home)):
        return
    database = {variable("postgres_host"): "127.0.0.1", variable("postgres_port"): str(port),
                variable("postgres_database"): embedded_stack.DATABASE, variable("postgres_user"): embedded_stack.USER,
                variable("postgres_password"): "", "PGPASSFILE": str(embedded_stack.pgpass(home)),
                variable("registry"): resolved(Settings.load().registry)}
    processes.start(folder(home), [sys.executable, "-P", "-m", "services.retention", "--every", "1h"],
                    env=os.environ | database | {"PYTHONPATH": str(installation.ROOT)})


def stop(home: Path) -> bool:
    """Stops the retention service; returns whether it ran."""
    return processes.stop(folder(home))
