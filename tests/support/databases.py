"""A real Postgres for tests: one server a test module, as many empty databases as it asks for."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from core import embedded_stack
from infra.local import ports, postgres
from infra.postgres.migrate import migrate

NO_PORT_WANTED = 25_500
"""Where the search for a free port begins, apart from the stack's own."""


@dataclass(frozen=True)
class Server:
    """A running server and the folder that its passwords lie in."""

    home: Path
    port: int
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def passwords(self) -> Path:
        """The password file of the user `fire`."""
        return embedded_stack.pgpass(self.home)

    def empty(self) -> dict[str, Any]:
        """Connects a new, empty database: psycopg's keywords for it."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(**postgres.connection(self.home, self.port, postgres.SUPERUSER, "postgres"),
                             autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name),
                                                                             sql.Identifier(embedded_stack.USER)))
        return postgres.connection(self.home, self.port, database=name)

    def migrated(self) -> dict[str, Any]:
        """Connects a new database with the newest schema."""
        conninfo = self.empty()
        migrate(**conninfo)
        return conninfo


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("postgres")
    # Workers of parallel test runs begin their search at different places.
    port = ports.choose({"Postgres": NO_PORT_WANTED + os.getpid() % 1000}, _silent)["Postgres"]
    postgres.start(home, port)
    yield Server(home, port)
    postgres.stop(home)


@pytest.fixture
def database(server: Server) -> dict[str, Any]:
    """psycopg's keywords for a fresh database with the newest schema."""
    return server.migrated()


@pytest.fixture
def connection(database: dict[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """An open connection, in autocommit, to a fresh database with the newest schema."""
    with psycopg.connect(**database, autocommit=True) as connected:
        yield connected


def _silent(_: str) -> None:
    """Nobody needs to hear which port a test took."""
