"""Fixtures of a dashboard over a database with a small fleet, without Kafka or Flink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.settings import Settings
from infra.postgres.sample import fill
from services.dashboard.app import create_app
from services.dashboard.postgres import Database
from services.dashboard.sources import NAME, Sources
from tests.support.databases import Server

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
NOBODY = {"kafka_brokers": "127.0.0.1:1", "flink_addresses": ""}
"""Settings with an unreachable Kafka and no Flink."""


@dataclass(frozen=True)
class Dashboard:
    """An application, its test client and psycopg's keywords for its database."""

    app: Flask
    client: FlaskClient
    database: dict[str, Any]

    @property
    def sources(self) -> Sources:
        """The data sources of the application."""
        sources: Sources = self.app.extensions[NAME]
        return sources

    def get(self, path: str) -> Any:
        """Returns the JSON of a GET request, which must succeed."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def post(self, path: str, body: Any, client: FlaskClient | None = None) -> Any:
        """Posts a JSON body with the session's token and returns the response."""
        client = client or self.client
        token = client.get("/api/session").get_json()["csrf_token"]
        return client.post(path, json=body, headers={"X-CSRFToken": token})

    def connect(self) -> psycopg.Connection[Any]:
        """Opens a connection to the database in autocommit mode."""
        return psycopg.connect(**self.database, autocommit=True)


def dashboard(database: dict[str, Any], *, now: datetime | None = NOW, watches: bool = False, **changed: Any) -> Dashboard:
    """Creates the application over a database; its clock always shows `now` unless that is None."""
    settings = Settings(**{**NOBODY, **changed})
    clock = {} if now is None else {"clock": lambda: now}
    app = create_app(settings, database=Database(database), watches=watches, **clock)
    return Dashboard(app, app.test_client(), database)


@pytest.fixture(scope="module")
def fleet(server: Server) -> Iterator[Dashboard]:
    """Creates a dashboard of 60 devices at 3 sites with 12 open alerts, shared by the tests of a module."""
    database = server.migrated()
    fill(database, 60, 12, NOW)
    made = dashboard(database)
    yield made
    made.sources.close()
