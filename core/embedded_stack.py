"""Where the embedded stack of this machine is: its addresses, as far as a service or a command may ask for them.

The ports that the stack chose are recorded in `state/stack.json`.
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
        """The configured settings, pointed at this stack."""
        return replace(Settings.load(), kafka_brokers=self.kafka_brokers, postgres_host=self.postgres_host,
                       postgres_port=self.postgres_port, postgres_database=DATABASE,
                       postgres_user=USER, postgres_password="", home=str(self.home),
                       flink_addresses=f"{self.jobmanager},{self.store_jobmanager}", parallelism=parallelism())

    def database(self) -> dict[str, Any]:
        """Arguments for `psycopg.connect`; the password stays in its file."""
        return {"host": "127.0.0.1", "port": self.postgres_port, "user": USER, "dbname": DATABASE,
                "passfile": str(self.pgpass_file), "connect_timeout": 5}


def last_known(home: Path) -> Stack | None:
    """The stack that was started in this home and not stopped since, whether or not its parts still run."""
    chosen = recorded_ports(home.absolute())
    return stack_at(home.absolute(), chosen) if chosen else None


def configured(home: Path, settings: Settings) -> Stack | None:
    """The stack that was started in this home, unless the settings name other brokers or another database."""
    places = [(each.kafka_brokers, each.postgres_host, each.postgres_port) for each in (settings, Settings())]
    return last_known(home) if places[0] == places[1] else None


def pgpass(home: Path, user: str = USER) -> Path:
    """The password file of a database user, in the form that libpq and the JDBC driver read (`PGPASSFILE`)."""
    return installation.state(home) / "postgres" / f"{user}.pgpass"


def recorded_ports(home: Path) -> dict[str, int] | None:
    """The ports of the stack that was started in this home and not stopped since; None where there is none."""
    try:
        # A stack that an older version started has no port for parts that are new.
        return {**DEFAULT_PORTS, **json.loads((installation.state(home) / PORTS).read_text())}
    except FileNotFoundError:
        return None


def stack_at(home: Path, chosen: dict[str, int]) -> Stack:
    """The addresses of a stack of this home with these ports."""
    return Stack(kafka_brokers=f"127.0.0.1:{chosen['Kafka']}", postgres_host="127.0.0.1", home=home,
                 postgres_port=chosen["Postgres"], pgpass_file=pgpass(home),
                 jobmanager=f"127.0.0.1:{chosen['Flink']}",
                 store_jobmanager=f"127.0.0.1:{chosen['Flink for the store']}",
                 dashboard=f"http://127.0.0.1:{chosen['Dashboard']}", metrics=f"127.0.0.1:{chosen['Metrics']}")


def parallelism() -> int:
    """A client on its own would take one slot per processor, more than the clusters have."""
    return Settings.load().parallelism or 1
