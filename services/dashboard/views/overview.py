"""The first page: what burns and where, and whether the pipeline is well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.dashboard.live.health import Look
from services.dashboard.postgres import Row
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows, sites
from services.dashboard.views.health_reasons import reasons
from udfs.readings.scoring import LEVELS

ALERTS, SITES = 20, 60
HOUR = timedelta(hours=1)
RATE_AGE = timedelta(minutes=3)


def overview(sources: Sources) -> dict[str, Any]:
    """The overview, at most a second old; the last good one, marked `is_stale`, while the database is away.

    Raises:
        DatabaseAwayError: the database is away and there was no overview before.
    """
    kept = sources.memory.get(lambda: _fetched(sources))
    look, told = sources.health.look, kept.value
    troubles = reasons(sources, look, told["devices"], database=not kept.is_stale)
    rate = told["readings_per_second"] if look.readings_per_second is None else look.readings_per_second
    status = {"state": "DEGRADED" if troubles else "HEALTHY", "reasons": troubles}
    return told | {"status": status, "readings_per_second": rate, "is_stale": kept.is_stale}


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
    """The hour's mean by minutes, of the devices as they are without any; the highest of both."""
    highest = [value for value in (hour["max"], fleet["max_risk"]) if value is not None]
    return {"mean": fleet["mean_risk"] if hour["mean"] is None else hour["mean"], "max": max(highest, default=None)}


def _stored_rate(sources: Sources, now: datetime) -> float | None:
    found = sources.database.one("minute_rate", since=now - RATE_AGE, until=now)
    rate: float | None = found["readings_per_second"]
    return rate


def metrics(sources: Sources) -> dict[str, Any]:
    """The figures of the overview alone, for programs that draw curves."""
    told, look = overview(sources), sources.health.look
    return {"as_of": told["as_of"], "is_stale": told["is_stale"], "state": told["status"]["state"],
            "devices_total": told["devices"]["total"], "devices_active": told["devices"]["active_5min"],
            "devices_by_level": told["devices"]["by_level"], "open_alerts": told["alerts"]["open"],
            "open_alerts_by_level": told["alerts"]["by_level"], "risk_last_hour": told["risk_last_hour"],
            "readings_per_second": told["readings_per_second"], "lag": _total_lag(look), "open_pages": sources.feed.pages}


def _total_lag(look: Look) -> int | None:
    return sum(each["lag"] for each in look.lag) if look.kafka_answers else None
