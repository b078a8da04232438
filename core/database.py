"""Connection parameters of the results database."""

from __future__ import annotations

from typing import Any

from core.settings import Settings


def conninfo(settings: Settings) -> dict[str, Any]:
    """Returns keyword arguments for `psycopg.connect`; without a password in the settings, libpq reads `PGPASSFILE`."""
    parameters: dict[str, Any] = {
        "host": settings.postgres_host, "port": settings.postgres_port, "dbname": settings.postgres_database,
        "user": settings.postgres_user, "connect_timeout": 5, "application_name": "fire"}
    return parameters | ({"password": settings.postgres_password} if settings.postgres_password else {})
