"""View models of devices: the filtered list, and one device with its series, patterns, alerts and latest messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.declared import CONTRACT
from services.dashboard.postgres import Row, prefix
from services.dashboard.problems import NotFoundError
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows
from services.dashboard.views.chart_limits import thresholds
from services.dashboard.views.paging import page, position

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MESSAGES, ALERTS = 20, 100
SERIES = tuple(each.chart for each in CONTRACT.charted)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Filter:
    """The conditions of a list of devices; None means any value, `q` is a prefix of the device id."""

    site: str | None = None
    level: str | None = None
    q: str | None = None
    is_active: bool | None = None

    def parameters(self, now: datetime) -> dict[str, Any]:
        """Returns the parameters of the SQL statements."""
        edge = now - json_rows.ACTIVE
        return {"site": self.site, "level": self.level, "prefix": prefix(self.q),
                "seen_since": edge if self.is_active else None, "seen_until": edge if self.is_active is False else None}


def devices(sources: Sources, wanted: Filter, after: str | None, limit: int) -> dict[str, Any]:
    """Returns a page of devices, riskiest first.

    Raises:
        BadRequestError: the cursor does not belong to this list.
    """
    risk, device_id = position(after, float, str)
    now = sources.now()
    parameters = wanted.parameters(now)
    rows = sources.database.rows("devices", **parameters, risk=risk, device=device_id, limit=limit + 1)
    total = sources.database.one("devices_total", **parameters)["total"]
    return page(rows, limit, total, lambda row: json_rows.device(row, now), lambda row: (row["risk_score"], row["device_id"]))


def device(sources: Sources, device_id: str, span: timedelta = DAY) -> dict[str, Any]:
    """Returns one device with its series over `span`, its patterns, alerts and latest messages.

    Raises:
        NotFoundError: the device never reported.
    """
    database, now = sources.database, sources.now()
    row = database.row("device", device=device_id)
    if row is None:
        raise NotFoundError(f"there is no device {device_id}; the list of devices shows all that ever reported")
    alerts = database.rows("device_alerts", device=device_id, since=now - DAY, limit=ALERTS)
    messages = database.rows("device_readings", device=device_id, since=LONG_AGO, limit=MESSAGES)
    patterns = database.row("device_patterns", device=device_id)
    return json_rows.device(row, now) | {
        "as_of": json_rows.stamp(now), "series": series(sources, device_id, now, span),
        "thresholds": thresholds(sources.settings.registry, device_id), "alerts": [json_rows.alert(each) for each in alerts],
        "patterns": json_rows.plain(patterns) if patterns else None, "recommendations": _recommendations(alerts),
        "messages": [json_rows.plain(each) for each in messages],
    }  # fmt: skip


def realtime(sources: Sources, device_id: str) -> dict[str, Any]:
    """Returns the current state of a device with its last hour by minute and its newest reading.

    Raises:
        NotFoundError: the device never reported.
    """
    whole = device(sources, device_id, HOUR)
    kept = {name: whole[name] for name in whole if name not in ("messages", "patterns", "alerts", "recommendations")}
    return kept | {"latest": next(iter(whole["messages"]), None)}


def series(sources: Sources, device_id: str, now: datetime, span: timedelta) -> dict[str, list[Any]]:
    """Returns one value per minute of the span, None for a minute without readings; `minutes` holds the ends of the minutes."""
    last = now.replace(second=0, microsecond=0)
    ends = [last - timedelta(minutes=back) for back in range(round(span / timedelta(minutes=1)) - 1, -1, -1)]
    rows = sources.database.rows("device_minutes", device=device_id, since=ends[0] - timedelta(minutes=1), until=last)
    by_end: dict[datetime, Row] = {row["minute_end"]: row for row in rows}
    values = {name: [by_end[end][name] if end in by_end else None for end in ends] for name in SERIES}
    return {"minutes": [json_rows.stamp(end) for end in ends], **values}


def _recommendations(alerts: list[Row]) -> dict[str, list[str]]:
    """Returns the recommendations of the open alerts, those of the worst first, by language."""
    ongoing = sorted((row for row in alerts if json_rows.is_open(row)), key=lambda row: -json_rows.rank(row["level"]))
    return {language: json_rows.unique(text for row in ongoing for text in json_rows.texts(row[f"recommendations_{language}"]))
            for language in ("en", "ko")}
