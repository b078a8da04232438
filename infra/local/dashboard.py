"""The embedded stack's dashboard, on the loopback address and without a login, as only this machine reaches it."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from core import embedded_stack, installation
from core.settings import Settings, variable
from infra.local import processes

START_SECONDS = 300.0


def folder(home: Path) -> Path:
    """Returns the folder of the dashboard's process record and log."""
    return installation.state(home) / "dashboard"


def start(home: Path, settings: Settings, port: int) -> None:
    """Starts the dashboard for the parts that `settings` name, unless it runs, and waits until it answers."""
    if processes.alive(folder(home)):
        return
    changed = {"dashboard_host": "127.0.0.1", "dashboard_port": str(port), "dashboard_url": "", "dashboard_certificate": "",
             "dashboard_key": "", "postgres_host": settings.postgres_host, "postgres_port": str(settings.postgres_port),
             "postgres_database": embedded_stack.DATABASE, "postgres_user": embedded_stack.USER, "postgres_password": "",
             "postgres_read_host": "", "kafka_brokers": settings.kafka_brokers, "flink_addresses": settings.flink_addresses,
             "home": str(home)}
    environment = {variable(name): value for name, value in changed.items()}
    processes.start(folder(home), [sys.executable, "-P", "-m", "commands.cli", "dashboard"],
                    env=os.environ | environment | {"PGPASSFILE": str(embedded_stack.pgpass(home)),
                                                    "PYTHONPATH": str(installation.ROOT)})
    processes.wait_until(lambda: answers(port), f"the dashboard on {address(port)}", folder(home), START_SECONDS)


def stop(home: Path) -> bool:
    """Stops the dashboard; returns whether it ran."""
    return processes.stop(folder(home), grace=15.0)


def address(port: int) -> str:
    """Returns the address of the dashboard for browsers."""
    return f"http://127.0.0.1:{port}"


def answers(port: int) -> bool:
    """Returns whether the dashboard on this port answers its health check."""
    try:
        with urllib.request.urlopen(f"{address(port)}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
