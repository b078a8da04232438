"""Ports for the servers that tests start."""

from __future__ import annotations

import itertools
import os

from infra.local import ports

LOWEST, STEP, PLACES = 12_000, 200, 100
"""Searches begin at one of so many places, so that test runs beside each other do not reach for the same ports; all of them
lie below the range that systems give to outgoing connections."""
WANTED = itertools.count(LOWEST + os.getpid() % PLACES * STEP)


def free_ports(*names: str) -> dict[str, int]:
    """A free port of the loopback address for each name, and no port a second time, whether or not it is free again."""
    return ports.choose({name: next(WANTED) for name in names}, lambda said: None)


def free_range(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        found = list(free_ports(*map(str, range(count))).values())
        if found[-1] - found[0] == count - 1:
            return found[0]
