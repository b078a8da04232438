"""Fixtures of a real Postgres: one server per test module, with as many empty databases as the tests request."""

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
"""The first port of the search for a free one, away from the embedded stack's ports."""


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

    def empty(self) -> dict[str, Any]:
        """Creates an empty database and returns psycopg's keywords for it."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(**postgres.connection(self.home, self.port, postgres.SUPERUSER, "postgres"),
                             autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name),
                                                                             sql.Identifier(embedded_stack.USER)))
        return postgres.connection(self.home, self.port, database=name)

    def migrated(self) -> dict[str, Any]:
        """Creates a database with the newest schema and returns psycopg's keywords for it."""
        conninfo = self.empty()
        migrate(**conninfo)
        return conninfo


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("postgres")
    # Parallel test workers start their searches at different ports.
    port = ports.choose({"Postgres": NO_PORT_WANTED + os.getpid() % 1000}, _silent)["Postgres"]
    postgres.start(home, port)
    yield Server(home, port)
    postgres.stop(home)


@pytest.fixture
def database(server: Server) -> dict[str, Any]:
    """Creates a database with the newest schema and returns psycopg's keywords for it."""
    return server.migrated()


@pytest.fixture
def connection(database: dict[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """Opens a connection in autocommit mode to a new database with the newest schema."""
    with psycopg.connect(**database, autocommit=True) as connected:
        yield connected


def _silent(_: str) -> None:
    """Discards the report of the chosen port."""
