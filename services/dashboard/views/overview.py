"""View model of the overview: the worst alerts, devices, sites and the state of the pipeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.dashboard.live.health import Snapshot
from services.dashboard.postgres import Row
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows, sites
from services.dashboard.views.health_reasons import reasons
from udfs.readings.scoring import LEVELS

ALERTS, SITES = 20, 60
HOUR = timedelta(hours=1)
RATE_AGE = timedelta(minutes=3)


def overview(sources: Sources) -> dict[str, Any]:
    """Returns the overview, normally at most a second old; the latest one, marked `is_stale`, if the database is unreachable.

    Raises:
        DatabaseUnavailableError: the database is unreachable and there is no earlier overview.
    """
    cached = sources.cache.get(lambda: _fetched(sources))
    snapshot, stored = sources.health.snapshot, cached.value
    problems = reasons(sources, snapshot, stored["devices"], database=not cached.is_stale)
    rate = stored["readings_per_second"] if snapshot.readings_per_second is None else snapshot.readings_per_second
    status = {"state": "DEGRADED" if problems else "HEALTHY", "reasons": problems}
    return stored | {"status": status, "readings_per_second": rate, "is_stale": cached.is_stale}


def _fetched(sources: Sources) -> dict[str, Any]:
    database, now = sources.database, sources.now()
    fleet = database.one("fleet", active_since=now - json_rows.ACTIVE, hour_since=now - HOUR)
    levels = {row["level"]: row["alerts"] for row in database.rows("open_levels")}
    worst = database.rows("worst_alerts", limit=ALERTS)
    return {
        "as_of": json_rows.stamp(now), "status": {}, "devices": _devices(fleet),
        "alerts": {"open": sum(levels.values()), "by_level": json_rows.by_level(levels),
                   "items": [json_rows.alert(row) for row in worst]},
        "risk_last_hour": _risk(database.one("hour_risk", since=now - HOUR), fleet),
        "sites": sites.cards(sources, now, 0, SITES)[0],
        "readings_per_second": _stored_rate(sources, now),
    }  # fmt: skip


def _devices(fleet: Row) -> dict[str, Any]:
    counted = {level: fleet[level.lower()] for level in LEVELS}
    return {"total": fleet["total"], "active_5min": fleet["active"], "silent": fleet["total"] - fleet["active"],
            "by_level": json_rows.by_level(counted)}


def _risk(hour: Row, fleet: Row) -> dict[str, Any]:
    """Returns the mean risk of the hour's minutes, or the devices' current mean without any, and the maximum of both."""
    highest = [value for value in (hour["max"], fleet["max_risk"]) if value is not None]
    return {"mean": fleet["mean_risk"] if hour["mean"] is None else hour["mean"], "max": max(highest, default=None)}


def _stored_rate(sources: Sources, now: datetime) -> float | None:
    row = sources.database.one("minute_rate", since=now - RATE_AGE, until=now)
    rate: float | None = row["readings_per_second"]
    return rate


def metrics(sources: Sources) -> dict[str, Any]:
    """Returns only the figures of the overview, for programs that plot them."""
    whole, snapshot = overview(sources), sources.health.snapshot
    return {"as_of": whole["as_of"], "is_stale": whole["is_stale"], "state": whole["status"]["state"],
            "devices_total": whole["devices"]["total"], "devices_active": whole["devices"]["active_5min"],
            "devices_by_level": whole["devices"]["by_level"], "open_alerts": whole["alerts"]["open"],
            "open_alerts_by_level": whole["alerts"]["by_level"], "risk_last_hour": whole["risk_last_hour"],
            "readings_per_second": whole["readings_per_second"], "lag": _total_lag(snapshot), "open_pages": sources.feed.pages}


def _total_lag(snapshot: Snapshot) -> int | None:
    return sum(each["lag"] for each in snapshot.lag) if snapshot.kafka_answers else None
