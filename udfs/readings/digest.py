"""Digests of what messages have measured, by which a repetition is told from another message with the same key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.declared import CONTRACT

MEASURED = tuple(each.name for each in CONTRACT.measured)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio in 64 bits, odd: multiplication by it loses nothing and spreads the lower bits."""
HALF = np.uint64(32)


def content(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Returns 64 bits per message that depend on its measured numbers only, not on how JSON writes or orders them."""
    mixed = np.zeros(len(columns[MEASURED[0]]), dtype=np.uint64)
    for name in MEASURED:
        numbers = columns[name].astype(np.float64) + 0.0
        mixed = (mixed ^ np.where(np.isnan(numbers), np.nan, numbers).view(np.uint64)) * FACTOR
        mixed ^= mixed >> HALF
    return mixed.view(np.int64)
