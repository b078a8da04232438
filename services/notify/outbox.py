"""The outbox in Postgres: pending, delivered and parked deliveries. Each call is one transaction."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from core.retries import next_attempt
from services.notify.channels import Channel
from services.notify.notification import ENDINGS, Notice
from services.notify.place import Place, place_of
from services.notify.routing import Delivery, route
from udfs.registry.registry import NONE, Registry

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
    """A connection to the outbox, opened on first use and reopened after a failure; not thread-safe.

    `registry` returns the device registry in force, and `dashboard` is the dashboard's address for links.
    """

    def __init__(self, connect: Callable[[], Connection], registry: Callable[[], Registry] = lambda: NONE, dashboard: str = ""
                 ) -> None:
        self._connect, self._registry, self._dashboard = connect, registry, dashboard
        self._connection: Connection | None = None

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def add(self, alerts: Sequence[Mapping[str, Any]], refusals: Iterable[Refusal], channels: Sequence[Channel], now: datetime
            ) -> None:
        """Adds the deliveries of the alerts' transitions, all or none; existing deliveries stay unchanged.

        The end of an alert cancels its escalations.
        """
        known = self._registry()
        placed = [(alert, place_of(alert, known)) for alert in alerts]
        rows = [_row(alert, place, each, now) for alert, place in placed for each in route(alert, place, channels, now)]
        ended = [{"alert_id": alert["alert_id"], "now": now} for alert in alerts if alert["transition"] in ENDINGS]
        with self._transaction() as connection, connection.cursor() as cursor:
            cursor.executemany(_sql("enqueue"), rows)
            cursor.executemany(_sql("withdraw"), ended)
            cursor.executemany(_sql("refuse"), [asdict(refusal) for refusal in refusals])

    def claim(self, channel: Channel, now: datetime) -> Claimed | None:
        """Claims the most urgent due delivery of a channel and counts the attempt; returns None if nothing is due."""
        parameters = {"channel": channel.name, "now": now, "until": now + CLAIM, "event_time": _iso(now)}
        with self._transaction() as connection:
            connection.execute(_sql("gather_digest"), parameters)
            connection.execute(_sql("cancel_acknowledged"), parameters)
            row = connection.execute(_sql("claim"), parameters).fetchone()
        if row is None:
            return None
        notice = Notice(row["idempotency_key"], row["attempts"], channel.name, channel.language, row["alert"],
                        Place.read(row["place"]), self._dashboard, row["escalated_from"])
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


def _row(alert: Mapping[str, Any], place: Place, delivery: Delivery, now: datetime) -> dict[str, Any]:
    return {"channel": delivery.channel.name, "key": delivery.key, "alert_id": alert["alert_id"],
            "transition": alert["transition"], "level": alert["level"], "subject": alert["subject"],
            "site_id": alert.get("site_id"), "alert": json.dumps(alert), "place": json.dumps(asdict(place)),
            "is_urgent": alert["level"] == "CRITICAL", "state": "FOR_DIGEST" if delivery.is_for_digest else "PENDING",
            "escalated_from": delivery.escalated_from, "follows": delivery.follows, "now": now, "due_at": delivery.due_at,
            "max_age": delivery.channel.max_age}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sql(name: str) -> bytes:
    return (SQL / f"{name}.sql").read_bytes()
