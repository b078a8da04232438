"""Times of the day in a time zone: quiet hours and the hour of a digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
HOURS = rf"{CLOCK}-{CLOCK}"


@dataclass(frozen=True)
class QuietHours:
    """The time of each day from `begin` to `end`, which is excluded; it may contain midnight."""

    begin: time
    end: time
    time_zone: str

    @classmethod
    def read(cls, text: str, time_zone: str) -> QuietHours:
        """Returns the hours of a text that matches `HOURS`, such as `22:00-07:00`."""
        begin, end = map(time.fromisoformat, text.split("-"))
        return cls(begin, end, time_zone)

    def end_of(self, at: datetime) -> datetime:
        """Returns when the quiet hours end in which `at` lies, or `at` itself if it lies in none."""
        clock = at.astimezone(ZoneInfo(self.time_zone)).time()
        is_inside = (self.begin <= clock < self.end if self.begin < self.end else clock >= self.begin or clock < self.end)
        return next_time(at, self.end, self.time_zone) if is_inside else at


def next_time(at: datetime, clock: time, time_zone: str) -> datetime:
    """Returns when clocks of a time zone show `clock` for the first time after `at`, in UTC; a skipped time comes later."""
    zone = ZoneInfo(time_zone)
    today = at.astimezone(zone).date()
    days = (datetime.combine(today + timedelta(days=day), clock, zone).astimezone(UTC) for day in range(3))
    return next(each for each in days if each > at)
