"""Devices: the list, and one device with its day, its patterns, its alerts and its last messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.dashboard import shapes
from jobs.dashboard.limits import thresholds
from jobs.dashboard.paging import page, place
from jobs.dashboard.problems import NotThereError
from jobs.dashboard.queries import Row, prefix
from jobs.dashboard.sources import Sources

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MESSAGES, ALERTS = 20, 100
SERIES = ("temperature", "risk", "arcs", "voltage", "current", "co", "voc")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Filter:
    """Which devices; what is None does not matter. `q` is how a device's id begins."""

    site: str | None = None
    level: str | None = None
    q: str | None = None
    is_active: bool | None = None

    def given(self, now: datetime) -> dict[str, Any]:
        """The parameters of the statements."""
        edge = now - shapes.ACTIVE
        return {"site": self.site, "level": self.level, "prefix": prefix(self.q),
                "seen_since": edge if self.is_active else None, "seen_until": edge if self.is_active is False else None}


def devices(sources: Sources, wanted: Filter, after: str | None, limit: int) -> dict[str, Any]:
    """A page of devices, the riskiest first.

    Raises:
        BadRequestError: the cursor is not one of this list.
    """
    risk, behind = place(after, float, str)
    now = sources.now()
    given = wanted.given(now)
    rows = sources.database.rows("devices", **given, risk=risk, device=behind, limit=limit + 1)
    total = sources.database.one("devices_total", **given)["total"]
    return page(rows, limit, total, lambda row: shapes.device(row, now), lambda row: (row["risk_score"], row["device_id"]))


def device(sources: Sources, device_id: str, span: timedelta = DAY) -> dict[str, Any]:
    """One device with what it did in `span`.

    Raises:
        NotThereError: it was never seen.
    """
    database, now = sources.database, sources.now()
    row = database.row("device", device=device_id)
    if row is None:
        raise NotThereError(f"no device {device_id} was ever seen; the list of devices knows all")
    alerts = database.rows("device_alerts", device=device_id, since=now - DAY, limit=ALERTS)
    messages = database.rows("device_readings", device=device_id, since=LONG_AGO, limit=MESSAGES)
    patterns = database.row("device_patterns", device=device_id)
    return shapes.device(row, now) | {
        "as_of": shapes.stamp(now), "series": series(sources, device_id, now, span),
        "thresholds": thresholds(sources.settings.registry, device_id), "alerts": [shapes.alert(each) for each in alerts],
        "patterns": shapes.plain(patterns) if patterns else None, "recommendations": _recommendations(alerts),
        "messages": [shapes.plain(each) for each in messages],
    }  # fmt: skip


def realtime(sources: Sources, device_id: str) -> dict[str, Any]:
    """A device as it is now, with its last hour by minute and its newest reading.

    Raises:
        NotThereError: it was never seen.
    """
    told = device(sources, device_id, HOUR)
    kept = {name: told[name] for name in told if name not in ("messages", "patterns", "alerts", "recommendations")}
    return kept | {"latest": next(iter(told["messages"]), None)}


def series(sources: Sources, device_id: str, now: datetime, span: timedelta) -> dict[str, list[Any]]:
    """One value a minute of the span, None for a minute without readings; `minutes` are their ends."""
    last = now.replace(second=0, microsecond=0)
    ends = [last - timedelta(minutes=back) for back in range(round(span / timedelta(minutes=1)) - 1, -1, -1)]
    rows = sources.database.rows("device_minutes", device=device_id, since=ends[0] - timedelta(minutes=1), until=last)
    found: dict[datetime, Row] = {row["minute_end"]: row for row in rows}
    values = {name: [found[end][name] if end in found else None for end in ends] for name in SERIES}
    return {"minutes": [shapes.stamp(end) for end in ends], **values}


def _recommendations(alerts: list[Row]) -> dict[str, list[str]]:
    """What to do, by its open alerts, the worst first."""
    ongoing = sorted((row for row in alerts if shapes.is_open(row)), key=lambda row: -shapes.rank(row["level"]))
    return {language: shapes.unique(text for row in ongoing for text in shapes.texts(row[f"recommendations_{language}"]))
            for language in ("en", "ko")}
