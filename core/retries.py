"""The schedule of retries: fixed and doubling, without jitter, so that the next attempt is predictable."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=5)


def delay(attempts: int) -> timedelta:
    """Returns the pause after this many failed attempts (1 or more): 2 s, 4 s, 8 s … 256 s, then 5 minutes each."""
    doublings = min(attempts - 1, 30)
    return min((1 << doublings) * FIRST, LONGEST)


def next_attempt(attempts: int, now: datetime, give_up_at: datetime) -> datetime | None:
    """Returns the time of the next attempt after `attempts` failures, the last at `now`; None if it is past `give_up_at`."""
    due = now + delay(attempts)
    return due if due <= give_up_at else None
