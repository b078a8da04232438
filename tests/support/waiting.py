"""Waiting for what must come, and judging speed, on a machine that does other work at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

DEADLINE_SECONDS = 600.0
"""How long a condition may take before a test fails: far longer than any takes, for only a fault ever waits so long."""
SAMPLE_SECONDS = 0.2


def until(holds: Callable[[], Any], what: str | Callable[[], str], pause: float = 0.1, seconds: float = DEADLINE_SECONDS) -> Any:
    """Asks again and again until the answer is true, and returns it; fails with what was awaited once the deadline passes."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what if isinstance(what, str) else what()} did not happen within {seconds:.0f} s")
        time.sleep(pause)
    return found


def slowness() -> float:
    """How many times longer work takes now than on an idle machine, 1 or more; takes 0.2 s of a processor itself."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < SAMPLE_SECONDS:
        pass
    return max((time.monotonic() - began) / SAMPLE_SECONDS, 1.0)


def idle_seconds(work: Callable[[], object]) -> float:
    """The seconds that the work would have taken on an idle machine: its wall time over the greater slowness around it."""
    before, began = slowness(), time.monotonic()
    work()
    taken = time.monotonic() - began
    return taken / max(before, slowness())
