"""Retries a database action until it succeeds or the program stops; logs the wait once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.retries import delay
from services.notify.notification import one_line
from services.notify.outbox import Unreachable

LONGEST_PAUSE = 15.0
Result = TypeVar("Result")


class StoppedError(Exception):
    """The program must stop, so the action is not tried again."""


class Retry:
    """Retries actions while Postgres is unreachable; `pause` waits for the given seconds and returns True to stop."""

    def __init__(self, pause: Callable[[float], bool], report: Callable[[str], None]) -> None:
        self._pause, self._report = pause, report

    def until_done(self, action: Callable[[], Result]) -> Result:
        """Calls `action` until it succeeds and returns its result.

        Raises:
            StoppedError: the program must stop before the action has succeeded.
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
            self._report(f"Postgres is unreachable; waiting for it, nothing is lost meanwhile ({one_line(problem)})")
        if self._pause(min(delay(attempts).total_seconds(), LONGEST_PAUSE)):
            raise StoppedError
