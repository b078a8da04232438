"""Decides which time a reading has: the one that its message states, or that of its arrival.

A wrong clock costs no reading where the arrival is known (semantics, "Wrong clocks"). `sql/detect/time_by_arrival.sql` and
`time_by_file.sql` decide the same for the watermark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.readings.event_time import LATEST_MS, NO_TIME, to_iso
from udfs.readings.thresholds import EARLIEST_MS
from udfs.shown import shown

Times = NDArray[np.int64]

DAY_MS = 86_400_000
SECONDS = range(EARLIEST_MS // 1000, 4_102_444_800)
"""Times of the years 2015 to 2099 in epoch seconds."""


@dataclass(frozen=True)
class Clocks:
    """What a batch of messages states, and when they arrived; epoch milliseconds, NO_TIME where unknown.

    `newest_ms` is the latest time that a message without an arrival can have, and `oldest_days` the longest time before its
    arrival, 0 for any.
    """

    stated_ms: Times
    arrived_ms: Times
    newest_ms: Times
    oldest_days: int

    @property
    def has_arrival(self) -> NDArray[np.bool_]:
        """Whether the arrival of each message is known."""
        has_arrival: NDArray[np.bool_] = self.arrived_ms != NO_TIME
        return has_arrival

    @property
    def is_old(self) -> NDArray[np.bool_]:
        """Whether each message states a time that is too early."""
        earliest = np.full_like(self.stated_ms, EARLIEST_MS)
        if self.oldest_days:
            np.maximum(earliest, self.arrived_ms - self.oldest_days * DAY_MS, out=earliest, where=self.has_arrival)
        is_old: NDArray[np.bool_] = (self.stated_ms != NO_TIME) & (self.stated_ms < earliest)
        return is_old

    @property
    def is_ahead(self) -> NDArray[np.bool_]:
        """Whether each message states a time later than it can have been sent."""
        newest = np.where(self.newest_ms == NO_TIME, LATEST_MS, self.newest_ms)
        is_ahead: NDArray[np.bool_] = self.stated_ms > np.where(self.has_arrival, self.arrived_ms, newest)
        return is_ahead

    def event_ms(self) -> Times:
        """Returns the time of each reading: the stated one, or the arrival instead of one that is absent or impossible."""
        is_replaced = self.has_arrival & (self.is_old | self.is_ahead | (self.stated_ms == NO_TIME))
        return np.where(is_replaced, self.arrived_ms, self.stated_ms)

    def offset(self) -> NDArray[np.float64]:
        """Returns the arrival minus the stated time of each message in seconds, NaN where either is unknown."""
        is_known = self.has_arrival & (self.stated_ms != NO_TIME)
        return np.where(is_known, np.where(is_known, self.arrived_ms, 0) - np.where(is_known, self.stated_ms, 0), np.nan) / 1000

    def why_old(self, row: int, stamp: Any) -> str:
        """Says without a comma why the time of a message is too early."""
        if int(self.stated_ms[row]) in SECONDS:
            return f"timestamp {shown(stamp)} looks like epoch seconds; send milliseconds"
        if self.stated_ms[row] < EARLIEST_MS:
            return f"timestamp {shown(stamp)} is before 2015"
        return f"timestamp {shown(stamp)} is more than {self.oldest_days} days before its arrival"

    def why_ahead(self, row: int, stamp: Any) -> str:
        """Says which time the message cannot be later than."""
        newest = to_iso(np.where(self.newest_ms == NO_TIME, LATEST_MS, self.newest_ms)[row : row + 1])[0]
        return f"timestamp {shown(stamp)} is later than {newest}, the latest time that its place in the file allows"
