"""The outbox in Postgres: pending, delivered and parked deliveries. Each call is one transaction."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from core.retries import next_attempt
from services.notify.channels import Channel
from services.notify.notification import Notice, idempotency_key

SQL = Path(__file__).with_name("queries")
CLAIM = timedelta(seconds=90)
"""How long an attempt blocks another attempt at the same delivery; longer than the slowest failure of any channel."""
SHOWN = 50
Connection = psycopg.Connection[dict[str, Any]]
Unreachable = (psycopg.OperationalError, psycopg.InterfaceError)


@dataclass(frozen=True)
class Refusal:
    """A record of the alert topic that cannot be delivered: `source` is topic[partition]@offset."""

    source: str
    topic: str
    reason: str


@dataclass(frozen=True)
class Claimed:
    """A delivery claimed for one attempt, and the time after which it is given up."""

    notice: Notice
    give_up_at: datetime


@dataclass(frozen=True)
class Outcome:
    """The outcome of an attempt; `state` is DELIVERED, PENDING (retried at `due_at`) or PARKED."""

    claimed: Claimed
    state: str
    at: datetime
    due_at: datetime | None = None
    error: str | None = None


class Outbox:
    """A connection to the outbox, opened on first use and reopened after a failure; not thread-safe."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def add(self, alerts: Iterable[Mapping[str, Any]], refusals: Iterable[Refusal], channels: Iterable[Channel], now: datetime
            ) -> None:
        """Adds a delivery for each alert and channel that wants it, all or none; existing deliveries stay unchanged."""
        rows = [_row(alert, channel, now) for alert in alerts for channel in channels if channel.wants(alert)]
        with self._transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(_sql("enqueue"), rows)
            cursor.executemany(_sql("refuse"), [asdict(refusal) for refusal in refusals])

    def claim(self, channel: Channel, now: datetime) -> Claimed | None:
        """Claims the most urgent due delivery of a channel and counts the attempt; returns None if nothing is due."""
        with self._transaction() as connection:
            parameters = {"channel": channel.name, "now": now, "until": now + CLAIM}
            row = connection.execute(_sql("claim"), parameters).fetchone()
        if row is None:
            return None
        notice = Notice(row["idempotency_key"], row["attempts"], channel.name, channel.language, row["alert"])
        return Claimed(notice, row["give_up_at"])

    def settle(self, outcome: Outcome) -> None:
        """Records the outcome of an attempt."""
        notice = outcome.claimed.notice
        with self._transaction() as connection:
            connection.execute(_sql("settle"), {
                "channel": notice.channel, "key": notice.key, "attempt": notice.attempt, "state": outcome.state,
                "due_at": outcome.due_at, "last_error": outcome.error,
                "delivered_at": outcome.at if outcome.state == "DELIVERED" else None})

    def status(self) -> list[dict[str, Any]]:
        """Returns one row per channel: pending, parked, delivered, repeated, last_delivered_at."""
        with self._transaction() as connection:
            return connection.execute(_sql("status")).fetchall()

    def backlog(self, limit: int = SHOWN) -> list[dict[str, Any]]:
        """Returns the deliveries that have not succeeded, parked ones first."""
        with self._transaction() as connection:
            return connection.execute(_sql("backlog"), {"limit": limit}).fetchall()

    def retry_parked(self, now: datetime) -> tuple[int, int]:
        """Makes parked deliveries due; returns how many, and how many stay parked because a later transition was delivered."""
        with self._transaction() as connection:
            row = connection.execute(_sql("retry_parked"), {"now": now}).fetchone()
        assert row is not None, "the statement returns exactly one row"
        return row["revived"], row["overtaken"]

    def expire(self, days: int) -> None:
        """Deletes deliveries that were delivered or parked more than `days` days ago."""
        with self._transaction() as connection:
            connection.execute(_sql("expire"), {"days": days})

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        try:
            with self._connection.transaction():
                yield self._connection
        except Unreachable:
            self.close()
            raise


def connector(conninfo: Mapping[str, Any], name: str = "fire-notify") -> Callable[[], Connection]:
    """Returns a function that connects with psycopg's keywords `conninfo` as `name`, and notices a lost server within seconds."""
    options: dict[str, Any] = {"options": "-c statement_timeout=30s", "keepalives_idle": 10, "tcp_user_timeout": 15_000,
                               "application_name": name}
    return lambda: psycopg.connect(**{**conninfo, **options}, autocommit=True, row_factory=dict_row)


def failed(claimed: Claimed, error: str, now: datetime, *, is_final: bool) -> Outcome:
    """Returns the outcome of a failed attempt: retried later, or parked if it is final or the delivery is too old."""
    due = None if is_final else next_attempt(claimed.notice.attempt, now, claimed.give_up_at)
    return Outcome(claimed, "PARKED" if due is None else "PENDING", now, due, error)


def _row(alert: Mapping[str, Any], channel: Channel, now: datetime) -> dict[str, Any]:
    return {"channel": channel.name, "key": idempotency_key(alert), "alert_id": alert["alert_id"],
            "transition": alert["transition"], "level": alert["level"], "subject": alert["subject"],
            "site_id": alert.get("site_id"), "alert": json.dumps(alert), "is_urgent": alert["level"] == "CRITICAL",
            "now": now, "max_age": channel.max_age}


def _sql(name: str) -> bytes:
    return (SQL / f"{name}.sql").read_bytes()
