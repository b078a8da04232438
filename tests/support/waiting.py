"""Functions that wait for conditions and measure speed on a machine that is busy with other work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

DEADLINE_SECONDS = 600.0
"""How long a condition may take before a test fails; only a fault ever takes this long."""
SAMPLE_SECONDS = 0.2


def until(holds: Callable[[], Any], what: str | Callable[[], str], pause: float = 0.1, seconds: float = DEADLINE_SECONDS) -> Any:
    """Calls `holds` until its result is true and returns it; fails the test with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while not (result := holds()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what if isinstance(what, str) else what()} did not happen within {seconds:.0f} s")
        time.sleep(pause)
    return result


def slowness() -> float:
    """Returns how many times longer work takes now than on an idle machine, at least 1; uses 0.2 s of processor time."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < SAMPLE_SECONDS:
        pass
    return max((time.monotonic() - began) / SAMPLE_SECONDS, 1.0)


def idle_seconds(work: Callable[[], object]) -> float:
    """Returns the seconds that work would take on an idle machine: its wall time divided by the slowness before or after it."""
    before, began = slowness(), time.monotonic()
    work()
    taken = time.monotonic() - began
    return taken / max(before, slowness())
