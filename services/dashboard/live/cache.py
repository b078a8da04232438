"""The last good answer to a question that everybody asks: kept for a second, and shown as stale when there is no newer one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.dashboard.postgres import DatabaseAwayError

FRESH_SECONDS = 1.0
BEARABLE_SECONDS = 3.0
"""While somebody fetches a newer answer, the others get one that is no older than this instead of waiting."""


@dataclass(frozen=True)
class Remembered:
    """An answer, when it was fetched (monotonic seconds), and whether the database was away since."""

    value: dict[str, Any]
    fetched: float
    is_stale: bool = False


class Memory:
    """One answer, fetched by one thread at a time."""

    def __init__(self) -> None:
        self._fetching = threading.Lock()
        self._kept: Remembered | None = None
        self._fetch: Callable[[], dict[str, Any]] | None = None

    def renew(self) -> None:
        """Fetches anew what was ever asked for; meanwhile the others have what is kept, so nobody waits."""
        if self._fetch:
            with self._fetching:
                self._kept = self._fetched(self._fetch)

    def get(self, fetch: Callable[[], dict[str, Any]]) -> Remembered:
        """The answer of `fetch`, or the kept one where that is fresh or the database is away.

        Raises:
            DatabaseAwayError: the database is away and nothing was ever kept.
        """
        kept, self._fetch = self._kept, fetch
        if kept and _age(kept) < FRESH_SECONDS:
            return kept
        if kept and _age(kept) < BEARABLE_SECONDS and self._fetching.locked():
            return kept
        with self._fetching:
            if self._kept and _age(self._kept) < FRESH_SECONDS:
                return self._kept
            self._kept = self._fetched(fetch)
            return self._kept

    def _fetched(self, fetch: Callable[[], dict[str, Any]]) -> Remembered:
        try:
            return Remembered(fetch(), time.monotonic())
        except DatabaseAwayError:
            if self._kept is None:
                raise
            return Remembered(self._kept.value, time.monotonic(), is_stale=True)


def _age(kept: Remembered) -> float:
    return time.monotonic() - kept.fetched
