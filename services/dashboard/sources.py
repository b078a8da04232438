"""What the pages and the API are made of: the database, the watch over the pipeline, the live feed, and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app

from core.settings import Settings
from services.dashboard.live.cache import Memory
from services.dashboard.live.health import Health
from services.dashboard.live.stream import Feed
from services.dashboard.postgres import Database

NAME = "fire"


@dataclass(frozen=True)
class Sources:
    """Everything that a view model reads from; one for each application."""

    settings: Settings
    database: Database
    health: Health
    feed: Feed
    memory: Memory
    clock: Callable[[], datetime]

    def now(self) -> datetime:
        """The present time, in UTC."""
        return self.clock()

    def close(self) -> None:
        """Ends what was started."""
        self.feed.close()
        self.health.close()
        self.database.close()


def wall_clock() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def here() -> Sources:
    """The sources of the application that answers this request."""
    return cast(Sources, current_app.extensions[NAME])
