"""Caches the result of one expensive query: fresh for a second, and served as stale while the database is unreachable."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.dashboard.postgres import DatabaseUnavailableError

FRESH_SECONDS = 1.0
BEARABLE_SECONDS = 3.0
"""While one thread fetches, the others get a result that is no older than this instead of waiting."""


@dataclass(frozen=True)
class Cached:
    """A result, when it was fetched (monotonic seconds), and whether the latest attempt to renew it failed."""

    value: dict[str, Any]
    fetched: float
    is_stale: bool = False


class Cache:
    """Holds one result, which only one thread at a time fetches."""

    def __init__(self) -> None:
        self._fetching = threading.Lock()
        self._kept: Cached | None = None
        self._fetch: Callable[[], dict[str, Any]] | None = None

    def renew(self) -> None:
        """Repeats the latest fetch, if any; other threads get the current result in the meantime."""
        if self._fetch:
            with self._fetching:
                self._kept = self._fetched(self._fetch)

    def get(self, fetch: Callable[[], dict[str, Any]]) -> Cached:
        """Returns the result of `fetch`, or the cached one if that is fresh or the database is unreachable.

        Raises:
            DatabaseUnavailableError: the database is unreachable and there is no cached result.
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

    def _fetched(self, fetch: Callable[[], dict[str, Any]]) -> Cached:
        try:
            return Cached(fetch(), time.monotonic())
        except DatabaseUnavailableError:
            if self._kept is None:
                raise
            return Cached(self._kept.value, time.monotonic(), is_stale=True)


def _age(kept: Cached) -> float:
    return time.monotonic() - kept.fetched
