"""Readings → CloudWatch's statistic sets: a minute of a fleet, of a site's devices of one level, and of each watched device.

Seven metrics of each of 100,000 devices would cost more than the system itself, so devices are summed up unless they are
on the watch list. A statistic set keeps the count, sum, least and greatest value, so no peak is averaged away.
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from udfs.scoring import LEVELS

NAMESPACE = "FirePrediction/Devices"
METRICS = {
    "DeviceRiskScore": "risk_score",
    "DeviceTemperature": "max_temperature",
    "DeviceCurrent": "current",
    "DeviceVoltage": "voltage",
    "DeviceArcCount": "arc_count",
    "DeviceCOGas": "co_gas",
    "DeviceVOC": "voc",
    "DeviceAlarmCount": "total_alarm_count",
}
"""CloudWatch's metric → field of a reading."""
NO_SITE = "(none)"
OLDEST, LATEST = timedelta(days=14), timedelta(hours=2)
"""CloudWatch takes times from this long ago to this far ahead."""
MARGIN = timedelta(minutes=5)
LARGEST = 2.0**340
"""Twenty powers of two below what CloudWatch takes, so that sums fit too; no instrument measures the like."""
PRINTABLE = string.punctuation.replace("%", "") + " "
Dimensions = tuple[tuple[str, str], ...]


@dataclass
class Statistic:
    """Count, sum, least and greatest of some values."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    greatest: float = float("-inf")

    def add(self, value: float) -> None:
        """Takes one value in."""
        self.count += 1
        self.total += value
        self.least, self.greatest = min(self.least, value), max(self.greatest, value)


@dataclass
class Summary:
    """The readings since the last `take`; what was not measured is in no statistic, as it is in no score."""

    environment: str
    watch_list: Collection[str] = ()
    readings: int = 0
    _statistics: dict[tuple[datetime, Dimensions, str], Statistic] = field(default_factory=dict)

    def add(self, reading: Mapping[str, Any]) -> None:
        """Takes in one row of the topic `readings`.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: it is no such row; nothing of it was taken in.
        """
        minute = datetime.fromisoformat(reading["event_time"]).astimezone(UTC).replace(second=0, microsecond=0)
        measured = {metric: float(reading[name]) for metric, name in METRICS.items() if reading[name] is not None}
        values = {metric: value for metric, value in measured.items() if abs(value) <= LARGEST}
        for dimensions in list(self._dimensions(reading)):
            for metric, value in values.items():
                self._statistics.setdefault((minute, dimensions, metric), Statistic()).add(value)
        self.readings += 1

    def take(self, now: datetime) -> tuple[list[dict[str, Any]], int]:
        """What PutMetricData wants, and how many statistics it would refuse for their time; starts anew."""
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
        raise ValueError(f"{text!r} is no level")
    return str(text)


def _name(text: Any) -> str:
    """A dimension's value, which CloudWatch takes in ASCII only and not blank; the rest is percent-encoded."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no id")
    return quote(text, safe=PRINTABLE) if text.strip() else quote(text)
