"""Runs the statements of `queries/` on Postgres by name, with bound parameters.

Reads go to the read replica if there is one, writes to the primary. A server that does not answer is noticed within seconds
and retried at most once a second, so that requests fail quickly in the meantime.
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
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from core.database import conninfo
from core.errors import FireError
from core.settings import Settings
from services.dashboard import json_text

SQL = Path(__file__).with_name("queries")
CONNECTIONS = 8
WAIT_SECONDS = 2.0
PAUSE_SECONDS = 1.0
LIMITS: dict[str, Any] = {
    # Postgres may switch a prepared statement to a generic plan, which suits every filter and reads whole tables.
    "options": "-c statement_timeout=4s -c plan_cache_mode=force_custom_plan -c timezone=UTC",
    "connect_timeout": 2, "keepalives_idle": 5, "tcp_user_timeout": 4_000, "application_name": "fire-dashboard",
}  # fmt: skip
Row = dict[str, Any]
Connection = psycopg.Connection[Row]
Unreachable = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class DatabaseUnavailableError(FireError):
    """Postgres does not answer in time; the message contains no address."""


class Database:
    """Connection pools for the primary and the replica; open until `close`."""

    def __init__(self, primary: Mapping[str, Any], replica: Mapping[str, Any] | None = None) -> None:
        self._writes = Server(primary)
        self._reads = Server(replica) if replica else self._writes

    def close(self) -> None:
        """Closes all connections."""
        for server in {self._writes, self._reads}:
            server.close()

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """Returns the rows of a reading statement.

        Raises:
            DatabaseUnavailableError: there was no answer in time.
        """
        return self._reads.rows(name, parameters)

    def row(self, name: str, **parameters: Any) -> Row | None:
        """Returns the first row of a reading statement, or None if it has none."""
        rows = self.rows(name, **parameters)
        return rows[0] if rows else None

    def one(self, name: str, **parameters: Any) -> Row:
        """Returns the first row of a reading statement that always has one."""
        return self.rows(name, **parameters)[0]

    def written(self, name: str, **parameters: Any) -> Row | None:
        """Returns the first row of a reading statement from the primary, because a replica may not have the latest write yet."""
        rows = self._writes.rows(name, parameters)
        return rows[0] if rows else None

    def composed(self, name: str, names: Mapping[str, sql.Composable], **parameters: Any) -> list[Row]:
        """Returns the rows of a reading statement in which `names` stand for tables and columns, written in braces.

        Raises:
            DatabaseUnavailableError: there was no answer in time.
        """
        return self._reads.rows(name, parameters, names)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Opens a transaction on the primary, which is committed at the end of the block.

        Raises:
            DatabaseUnavailableError: there was no answer in time.
        """
        with self._writes.connection() as connection, connection.transaction():
            yield Transaction(connection)


class Transaction:
    """Runs writing statements within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, name: str, **parameters: Any) -> int:
        """Runs a writing statement; returns how many rows it affected."""
        return self._connection.execute(statement(name), parameters).rowcount


class Server:
    """The connection pool of one server, with psycopg's keywords `conninfo`."""

    def __init__(self, conninfo: Mapping[str, Any]) -> None:
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs={**conninfo, **LIMITS, "autocommit": True, "row_factory": dict_row}, min_size=1, max_size=CONNECTIONS,
            timeout=WAIT_SECONDS, reconnect_timeout=PAUSE_SECONDS, open=False,
            configure=lambda connection: set_json_loads(json_text.loads, connection))
        self._unreachable_until = 0.0
        self._opening = threading.Lock()

    def close(self) -> None:
        """Closes the connections of the pool."""
        self._pool.close()

    def rows(self, name: str, parameters: Mapping[str, Any], names: Mapping[str, sql.Composable] | None = None) -> list[Row]:
        """Returns the rows of a statement; repeats it once on a new connection if the server had dropped the old one.

        Raises:
            DatabaseUnavailableError: there was no answer in time.
        """
        query = sql.SQL(statement(name).decode()).format(**names) if names else statement(name)
        try:
            with self.connection() as connection:
                return connection.execute(query, parameters).fetchall()
        except DatabaseUnavailableError as problem:
            if isinstance(problem.__cause__, psycopg.errors.QueryCanceled | PoolTimeout | None):
                raise
        self._unreachable_until = 0.0
        self._pool.check()
        with self.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lends a connection of the pool for the duration of the block.

        Raises:
            DatabaseUnavailableError: the server does not answer, or did not within the last second.
        """
        if time.monotonic() < self._unreachable_until:
            raise DatabaseUnavailableError("the database does not answer; it is retried every second")
        try:
            self._open()
            with self._pool.connection() as connection:
                yield connection
        except Unreachable as problem:
            self._unreachable_until = time.monotonic() + PAUSE_SECONDS
            raise DatabaseUnavailableError("the database does not answer; it is retried every second") from problem
        self._unreachable_until = 0.0

    def _open(self) -> None:
        with self._opening:
            if self._pool.closed:
                self._pool.open()


def connect(settings: Settings) -> Database:
    """Returns the database of the settings, with its replica if they name one; connections are opened on first use."""
    # The pool logs every attempt to reach a server; the feed logs only the loss and the recovery.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    if not settings.postgres_read_host:
        return Database(conninfo(settings))
    read = replace(settings, postgres_host=settings.postgres_read_host,
                   postgres_port=settings.postgres_read_port or settings.postgres_port)
    return Database(conninfo(settings), conninfo(read))


@cache
def statement(name: str) -> bytes:
    """Reads the statement `services/dashboard/queries/<name>.sql`."""
    return (SQL / f"{name}.sql").read_bytes()


def prefix(text: str | None) -> str | None:
    """Returns a LIKE pattern that matches values beginning with `text`; None stays None."""
    return None if text is None else text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
