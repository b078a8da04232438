"""Waiting for Postgres: what needs it is tried until it works or the program ends, and the wait is said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.retries import delay
from services.notify.notification import one_line
from services.notify.outbox import Unreachable

LONGEST_PAUSE = 15.0
Result = TypeVar("Result")


class StoppedError(Exception):
    """The program is to end; nobody waits any longer."""


class Patience:
    """Tries again while the database cannot be reached; `pause` waits that many seconds and says whether to stop."""

    def __init__(self, pause: Callable[[float], bool], report: Callable[[str], None]) -> None:
        self._pause, self._report = pause, report

    def until_done(self, action: Callable[[], Result]) -> Result:
        """What `action` returns in the end.

        Raises:
            StoppedError: the program is to end before that.
        """
        attempts = 0
        while True:
            try:
                result = action()
            except Unreachable as problem:
                attempts += 1
                self._wait(attempts, problem)
                continue
            if attempts:
                self._report(f"Postgres answers again after {attempts} attempts")
            return result

    def _wait(self, attempts: int, problem: Exception) -> None:
        if attempts == 1:
            self._report(f"Postgres cannot be used, waiting for it; nothing is lost meanwhile ({one_line(problem)})")
        if self._pause(min(delay(attempts).total_seconds(), LONGEST_PAUSE)):
            raise StoppedError
