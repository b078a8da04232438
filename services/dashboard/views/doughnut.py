"""The geometry of the doughnut of devices by level: circles with dashes, which need no script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from udfs.readings.scoring import LEVELS

RADIUS = 40.0
AROUND = 2 * math.pi * RADIUS
GAP = 1.2
"""Length between two arcs, of the circle's own units."""
LEAST = 2.0
"""Length of the smallest arc: one burning device among ten thousand must be seen."""


class Arc(NamedTuple):
    """One level's arc: `length` of the circle, begun at `start`, both in the circle's own units."""

    level: str
    devices: int
    length: float
    start: float


def arcs(counts: Mapping[str, int]) -> list[Arc]:
    """The arcs of levels that have devices, worst first, clockwise from the top."""
    shown = [(level, counts[level]) for level in reversed(LEVELS) if counts.get(level)]
    if len(shown) == 1:
        return [Arc(*shown[0], round(AROUND, 2), 0.0)]
    room = AROUND - len(shown) * (GAP + LEAST)
    total = sum(count for _, count in shown)
    found, start = [], 0.0
    for level, count in shown:
        length = LEAST + room * count / total
        found.append(Arc(level, count, round(length, 2), round(start, 2)))
        start += length + GAP
    return found
