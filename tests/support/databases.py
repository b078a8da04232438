"""Fixtures of a real Postgres: one server per session, with as many databases as a test requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from core import embedded_stack
from infra.local import postgres
from infra.postgres.migrate import migrate
from tests.support.free_ports import free_ports

TEMPLATE = "newest"
"""A database with the newest schema, which is copied for the tests because copying is faster than migrating again."""


@dataclass(frozen=True)
class Server:
    """A running Postgres server and the folder that contains its data and passwords."""

    home: Path
    port: int
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def passwords(self) -> Path:
        """The path of the password file of the user `fire`."""
        return embedded_stack.pgpass(self.home)

    def start(self) -> None:
        """Starts the server unless it is running."""
        postgres.start(self.home, self.port)

    def stop(self) -> None:
        """Stops the server; the caller must start it again."""
        postgres.stop(self.home)

    def empty(self) -> dict[str, Any]:
        """Creates an empty database and returns psycopg's keywords for it."""
        return self._created(f"test_{next(self.numbers)}", "template1")

    def migrated(self) -> dict[str, Any]:
        """Creates a database with the newest schema and returns psycopg's keywords for it."""
        if not self._has(TEMPLATE):
            migrate(**self._created(TEMPLATE, "template1"))
        return self._created(f"test_{next(self.numbers)}", TEMPLATE)

    def _created(self, name: str, template: str) -> dict[str, Any]:
        names = map(sql.Identifier, (name, embedded_stack.USER, template))
        with self._superuser() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names))
        return postgres.connection(self.home, self.port, database=name)

    def _has(self, name: str) -> bool:
        with self._superuser() as connection:
            return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 1

    def _superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**postgres.connection(self.home, self.port, postgres.SUPERUSER, "postgres"), autocommit=True)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("postgres"), free_ports("Postgres")["Postgres"])
    made.start()
    yield made
    made.stop()


@pytest.fixture
def database(server: Server) -> dict[str, Any]:
    """Creates a database with the newest schema and returns psycopg's keywords for it."""
    return server.migrated()


@pytest.fixture
def connection(database: dict[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """Opens a connection in autocommit mode to a new database with the newest schema."""
    with psycopg.connect(**database, autocommit=True) as connected:
        yield connected
