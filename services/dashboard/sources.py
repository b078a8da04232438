"""The data sources of the pages and the API: the database, the pipeline's health, the live feed, the cache and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from core.settings import Settings
from services.dashboard.live.cache import Cache
from services.dashboard.live.health import Health
from services.dashboard.live.stream import Feed
from services.dashboard.postgres import Database

NAME = "fire"


@dataclass(frozen=True)
class Sources:
    """All data sources of one application."""

    settings: Settings
    database: Database
    health: Health
    feed: Feed
    cache: Cache
    clock: Callable[[], datetime]

    def now(self) -> datetime:
        """Returns the current time in UTC."""
        return self.clock()

    def close(self) -> None:
        """Stops the threads and closes all connections."""
        self.feed.close()
        self.health.close()
        self.database.close()


def wall_clock() -> datetime:
    """Returns the machine's current time in UTC."""
    return datetime.now(UTC)


def here() -> Sources:
    """Returns the sources of the application that handles this request."""
    return cast(Sources, current_app.extensions[NAME])
