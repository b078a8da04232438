"""When a failed attempt is made again: a fixed, doubling schedule, so that a test and a person can foretell it."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=5)


def delay(attempts: int) -> timedelta:
    """The pause after this many failed attempts, 1 or more: 2 s, 4 s, 8 s … 256 s, then 5 minutes each."""
    doublings = min(attempts - 1, 30)
    return min((1 << doublings) * FIRST, LONGEST)


def next_attempt(attempts: int, now: datetime, give_up_at: datetime) -> datetime | None:
    """When to try again after the failure of attempt number `attempts` at `now`; None: not before it is given up."""
    due = now + delay(attempts)
    return due if due <= give_up_at else None
