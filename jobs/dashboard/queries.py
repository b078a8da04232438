"""Every question that the dashboard asks Postgres: the statements of `sql/dashboard/` by name, with bound parameters.

Reads go to the read replica where there is one, writes to the database itself. A server that does not answer is noticed
within seconds, and asked again at most once a second, so that requests fail quickly meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from infra.postgres import conninfo
from jobs.dashboard import json_text
from jobs.errors import FireError
from jobs.settings import Settings

SQL = Path(__file__).resolve().parents[2] / "sql" / "dashboard"
CONNECTIONS = 8
WAIT_SECONDS = 2.0
PAUSE_SECONDS = 1.0
LIMITS: dict[str, Any] = {
    # A prepared statement may fall back to a plan for any filter at all, which reads whole tables.
    "options": "-c statement_timeout=4s -c plan_cache_mode=force_custom_plan -c timezone=UTC",
    "connect_timeout": 2, "keepalives_idle": 5, "tcp_user_timeout": 4_000, "application_name": "fire-dashboard",
}  # fmt: skip
Row = dict[str, Any]
Connection = psycopg.Connection[Row]
Gone = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class DatabaseAwayError(FireError):
    """Postgres does not answer, or not in time; the text says so without any address."""


class Database:
    """Pools of connections to the primary and to the replica; open until `close`."""

    def __init__(self, primary: Mapping[str, Any], replica: Mapping[str, Any] | None = None) -> None:
        self._writes = Server(primary)
        self._reads = Server(replica) if replica else self._writes

    def close(self) -> None:
        """Ends all connections."""
        for server in {self._writes, self._reads}:
            server.close()

    def rows(self, name: str, **given: Any) -> list[Row]:
        """The rows of a statement that reads.

        Raises:
            DatabaseAwayError: there was no answer in time.
        """
        return self._reads.rows(name, given)

    def row(self, name: str, **given: Any) -> Row | None:
        """Its first row, if any."""
        found = self.rows(name, **given)
        return found[0] if found else None

    def one(self, name: str, **given: Any) -> Row:
        """Its one row, of a statement that always has one."""
        return self.rows(name, **given)[0]

    def written(self, name: str, **given: Any) -> Row | None:
        """The first row of a statement that reads what was just written, which a replica may not have yet."""
        found = self._writes.rows(name, given)
        return found[0] if found else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Statements that hold together or not at all.

        Raises:
            DatabaseAwayError: there was no answer in time.
        """
        with self._writes.connection() as connection, connection.transaction():
            yield Transaction(connection)


class Transaction:
    """Writes within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, name: str, **given: Any) -> int:
        """Runs a statement that writes; how many rows it concerned."""
        return self._connection.execute(statement(name), given).rowcount


class Server:
    """One server's pool."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs={**given, **LIMITS, "autocommit": True, "row_factory": dict_row}, min_size=1, max_size=CONNECTIONS,
            timeout=WAIT_SECONDS, reconnect_timeout=PAUSE_SECONDS, open=False,
            configure=lambda connection: set_json_loads(json_text.loads, connection))
        self._away_until = 0.0
        self._opening = threading.Lock()

    def close(self) -> None:
        """Ends its connections."""
        self._pool.close()

    def rows(self, name: str, given: Mapping[str, Any]) -> list[Row]:
        """The rows of a statement; a connection that the server dropped meanwhile is replaced and asked once more."""
        try:
            with self.connection() as connection:
                return connection.execute(statement(name), given).fetchall()
        except DatabaseAwayError as away:
            if isinstance(away.__cause__, psycopg.errors.QueryCanceled | PoolTimeout | None):
                raise
        self._away_until = 0.0
        self._pool.check()
        with self.connection() as connection:
            return connection.execute(statement(name), given).fetchall()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of the pool."""
        if time.monotonic() < self._away_until:
            raise DatabaseAwayError("the database does not answer; it is asked again every second")
        try:
            self._open()
            with self._pool.connection() as connection:
                yield connection
        except Gone as gone:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            raise DatabaseAwayError("the database does not answer; it is asked again every second") from gone
        self._away_until = 0.0

    def _open(self) -> None:
        with self._opening:
            if self._pool.closed:
                self._pool.open()


def connect(settings: Settings) -> Database:
    """The database of the settings, and its replica if they name one; nothing is connected yet."""
    # The pool tells of every attempt at a server that is away; the feed tells once when it goes and once when it is back.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    if not settings.postgres_read_host:
        return Database(conninfo(settings))
    read = replace(settings, postgres_host=settings.postgres_read_host,
                   postgres_port=settings.postgres_read_port or settings.postgres_port)
    return Database(conninfo(settings), conninfo(read))


@cache
def statement(name: str) -> bytes:
    """The statement `sql/dashboard/<name>.sql`."""
    return (SQL / f"{name}.sql").read_bytes()


def prefix(text: str | None) -> str | None:
    """A LIKE pattern for what begins with `text`; None stays None."""
    return None if text is None else text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
