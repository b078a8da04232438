"""Free ports for the servers that tests start."""

from __future__ import annotations

import itertools
import os

from infra.local import ports

LOWEST, STEP, PLACES = 12_000, 200, 100
"""Searches start at one of `PLACES` ports, so that concurrent test runs do not compete for the same ports; all of them are below
the range that systems use for outgoing connections."""
WANTED = itertools.count(LOWEST + os.getpid() % PLACES * STEP)


def free_ports(*names: str) -> dict[str, int]:
    """Returns a free port of the loopback address for each name, never the same port twice."""
    return ports.choose({name: next(WANTED) for name in names}, lambda line: None)


def free_range(count: int) -> int:
    """Returns the first of `count` consecutive free ports."""
    while True:
        chosen = list(free_ports(*map(str, range(count))).values())
        if chosen[-1] - chosen[0] == count - 1:
            return chosen[0]
