"""Aggregates readings into CloudWatch statistic sets per minute: for the fleet, for each site and level, for watched devices.

Metrics for each of 100,000 devices would cost more than the system itself, so devices are aggregated unless they are on the
watch list. A statistic set keeps the count, sum, minimum and maximum, so no peak is averaged away.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from contract.cloudwatch import METRICS
from udfs.readings.scoring import LEVELS

NO_SITE = "(none)"
OLDEST, LATEST = timedelta(days=14), timedelta(hours=2)
"""How far in the past and in the future CloudWatch accepts times."""
MARGIN = timedelta(minutes=5)
LARGEST = 2.0**340
"""The largest magnitude that is published, 2^20 times smaller than CloudWatch's limit so that sums fit too."""
PRINTABLE = string.punctuation.replace("%", "") + " "
Dimensions = tuple[tuple[str, str], ...]


@dataclass
class Statistic:
    """The count, sum, minimum and maximum of a set of values."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    greatest: float = float("-inf")

    def add(self, value: float) -> None:
        """Adds one value."""
        self.count += 1
        self.total += value
        self.least, self.greatest = min(self.least, value), max(self.greatest, value)


@dataclass
class Summary:
    """The statistics of the readings since the last `take`; a quantity that was not measured is left out, as it is in scoring."""

    environment: str
    watch_list: Collection[str] = ()
    readings: int = 0
    _statistics: dict[tuple[datetime, Dimensions, str], Statistic] = field(default_factory=dict)

    def add(self, reading: Mapping[str, Any]) -> None:
        """Adds one record of the topic `readings`.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: it is not a reading; no part of it was added.
        """
        minute = datetime.fromisoformat(reading["event_time"]).astimezone(UTC).replace(second=0, microsecond=0)
        measured = {metric: float(reading[name]) for metric, name in METRICS.items() if reading[name] is not None}
        values = {metric: value for metric, value in measured.items() if abs(value) <= LARGEST}
        for dimensions in list(self._dimensions(reading)):
            for metric, value in values.items():
                self._statistics.setdefault((minute, dimensions, metric), Statistic()).add(value)
        self.readings += 1

    def take(self, now: datetime) -> tuple[list[dict[str, Any]], int]:
        """Returns the data for PutMetricData and the number of statistics left out for their time, and resets the summary."""
        usable = [_datum(*key, statistic) for key, statistic in self._statistics.items()
                  if now - OLDEST + MARGIN <= key[0] <= now + LATEST - MARGIN]
        refused = len(self._statistics) - len(usable)
        self._statistics, self.readings = {}, 0
        return usable, refused

    def _dimensions(self, reading: Mapping[str, Any]) -> Iterator[Dimensions]:
        environment = ("Environment", self.environment)
        site = _name(reading["site_id"] or NO_SITE)
        yield (environment,)
        yield (environment, ("SiteId", site), ("RiskLevel", _level(reading["risk_level"])))
        if reading["device_id"] in self.watch_list:
            yield (environment, ("DeviceId", _name(reading["device_id"])))


def _datum(minute: datetime, dimensions: Dimensions, metric: str, statistic: Statistic) -> dict[str, Any]:
    return {
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
        "Timestamp": minute,
        "Unit": "Count" if metric == "DeviceAlarmCount" else "None",
        "StatisticValues": {"SampleCount": float(statistic.count), "Sum": statistic.total,
                            "Minimum": statistic.least, "Maximum": statistic.greatest},
    }


def _level(text: Any) -> str:
    if text not in LEVELS:
        raise ValueError(f"{text!r} is not a risk level")
    return str(text)


def _name(text: Any) -> str:
    """Percent-encodes a dimension's value, which CloudWatch accepts only as non-blank ASCII."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not an id")
    return quote(text, safe=PRINTABLE) if text.strip() else quote(text)
