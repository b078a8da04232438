"""Metrics from Postgres: pending deliveries, open alerts, how people resolved alerts, and sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client import Metric

from services.metrics.collector import Labels, UnavailableError, gauge
from services.notify.notification import one_line

SQL = Path(__file__).with_name("queries")
Connection = psycopg.Connection[dict[str, Any]]


class Database:
    """A connection to the results database, opened on first use and reopened after a failure; not thread-safe."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    def read(self) -> list[Metric]:
        """Returns the metric families of the results database.

        Raises:
            UnavailableError: Postgres does not answer, or has no schema yet.
        """
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            return [*self._deliveries(), *self._alerts(), *self._sizes()]
        except psycopg.Error as problem:
            self.close()
            raise UnavailableError(f"Postgres: {one_line(problem)}") from problem

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _rows(self, name: str) -> list[dict[str, Any]]:
        assert self._connection is not None, "read connects first"
        return self._connection.execute((SQL / f"{name}.sql").read_bytes()).fetchall()

    def _deliveries(self) -> list[Metric]:
        rows = self._rows("deliveries")
        states: dict[Labels, float] = {(row["channel"], state): float(row[state]) for row in rows
                                       for state in ("pending", "parked", "delivered")}
        waits: dict[Labels, float] = {(row["channel"],): row["oldest_wait"] or 0.0 for row in rows}
        return [gauge("fire_notifications", "deliveries of the outbox by state", ("channel", "state"), states),
                gauge("fire_notification_oldest_wait_seconds", "age of the oldest pending delivery", ("channel",), waits)]

    def _alerts(self) -> list[Metric]:
        opened: dict[Labels, float] = {(row["level"],): row["alerts"] for row in self._rows("open_alerts")}
        judged: dict[Labels, float] = {(row["resolution"],): row["alerts"] for row in self._rows("resolutions")}
        levels: dict[Labels, float] = dict.fromkeys((("MEDIUM",), ("HIGH",), ("CRITICAL",)), 0.0)
        verdicts: dict[Labels, float] = dict.fromkeys((("confirmed_hazard",), ("false_alarm",), ("maintenance",)), 0.0)
        return [gauge("fire_alerts_open", "alerts that neither cleared nor were resolved", ("level",), levels | opened),
                gauge("fire_alerts_judged", "alerts of the last 30 days with a resolution", ("resolution",), verdicts | judged)]

    def _sizes(self) -> list[Metric]:
        row = self._rows("sizes")[0]
        return [gauge("fire_database_size_bytes", "size of the results database", (), {(): row["database_bytes"]}),
                gauge("fire_devices", "devices that ever reported", (), {(): row["devices"]}),
                gauge("fire_devices_reporting", "devices with a reading within 5 minutes", (), {(): row["reporting"]}),
                gauge("fire_store_refusals", "records that could not be stored", (), {(): row["refusals"]})]
