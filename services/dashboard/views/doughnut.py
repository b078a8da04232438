"""The geometry of the doughnut chart of devices by level: dashed circles, which need no script."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from udfs.readings.scoring import LEVELS

RADIUS = 40.0
AROUND = 2 * math.pi * RADIUS
GAP = 1.2
"""The gap between two arcs, in the circle's units."""
LEAST = 2.0
"""The length of the smallest arc, so that one critical device among ten thousand is visible."""


class Arc(NamedTuple):
    """The arc of one level; `length` and `start` are distances along the circle, in its units."""

    level: str
    devices: int
    length: float
    start: float


def arcs(counts: Mapping[str, int]) -> list[Arc]:
    """Returns the arcs of the levels that have devices, worst first, clockwise from the top."""
    shown = [(level, counts[level]) for level in reversed(LEVELS) if counts.get(level)]
    if len(shown) == 1:
        return [Arc(*shown[0], round(AROUND, 2), 0.0)]
    room = AROUND - len(shown) * (GAP + LEAST)
    total = sum(count for _, count in shown)
    placed, start = [], 0.0
    for level, count in shown:
        length = LEAST + room * count / total
        placed.append(Arc(level, count, round(length, 2), round(start, 2)))
        start += length + GAP
    return placed
