"""Addresses of the embedded stack on this machine, for the services and commands that connect to it.

The stack records the ports it has chosen in `state/stack.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import installation
from core.settings import Settings

PORTS = "stack.json"
DATABASE = USER = "fire"
DEFAULT_PORTS = {"Kafka": 9092, "Kafka's controller": 9093, "Postgres": 5432, "Flink": 8081, "Flink for the store": 8082,
            "Dashboard": 8080, "Flink's RPC": 6123, "RPC of Flink for the store": 6124, "Metrics": 9400}


@dataclass(frozen=True)
class Stack:
    """Addresses of a running stack; `jobmanager` serves detect and alert, `store_jobmanager` the store job."""

    kafka_brokers: str
    postgres_host: str
    postgres_port: int
    pgpass_file: Path
    jobmanager: str
    store_jobmanager: str
    dashboard: str
    metrics: str
    home: Path

    def settings(self) -> Settings:
        """Returns the configured settings with the addresses of this stack."""
        return replace(Settings.load(), kafka_brokers=self.kafka_brokers, postgres_host=self.postgres_host,
                       postgres_port=self.postgres_port, postgres_database=DATABASE,
                       postgres_user=USER, postgres_password="", home=str(self.home),
                       flink_addresses=f"{self.jobmanager},{self.store_jobmanager}", parallelism=parallelism())

    def database(self) -> dict[str, Any]:
        """Returns keyword arguments for `psycopg.connect`; the password is read from the stack's password file."""
        return {"host": "127.0.0.1", "port": self.postgres_port, "user": USER, "dbname": DATABASE,
                "passfile": str(self.pgpass_file), "connect_timeout": 5}


def last_known(home: Path) -> Stack | None:
    """Returns the stack last started in this home, None after it was stopped; its parts may have died since."""
    ports = recorded_ports(home.absolute())
    return stack_at(home.absolute(), ports) if ports else None


def configured(home: Path, settings: Settings) -> Stack | None:
    """Returns the stack last started in this home, or None if the settings name other brokers or another database."""
    addresses = [(each.kafka_brokers, each.postgres_host, each.postgres_port) for each in (settings, Settings())]
    return last_known(home) if addresses[0] == addresses[1] else None


def pgpass(home: Path, user: str = USER) -> Path:
    """Returns the path of a database user's password file, in libpq's format (`PGPASSFILE`)."""
    return installation.state(home) / "postgres" / f"{user}.pgpass"


def recorded_ports(home: Path) -> dict[str, int] | None:
    """Returns the ports of the stack last started in this home, None if none was started or it was stopped."""
    try:
        # A stack started by an older version has recorded no ports for newer parts.
        return {**DEFAULT_PORTS, **json.loads((installation.state(home) / PORTS).read_text())}
    except FileNotFoundError:
        return None


def stack_at(home: Path, ports: dict[str, int]) -> Stack:
    """Returns the addresses of the stack in this home, from the port of each part by the part's name."""
    return Stack(kafka_brokers=f"127.0.0.1:{ports['Kafka']}", postgres_host="127.0.0.1", home=home,
                 postgres_port=ports["Postgres"], pgpass_file=pgpass(home),
                 jobmanager=f"127.0.0.1:{ports['Flink']}",
                 store_jobmanager=f"127.0.0.1:{ports['Flink for the store']}",
                 dashboard=f"http://127.0.0.1:{ports['Dashboard']}", metrics=f"127.0.0.1:{ports['Metrics']}")


def parallelism() -> int:
    """Returns the configured parallelism, or 1: Flink's client defaults to one slot per processor, more than the stack has."""
    return Settings.load().parallelism or 1
