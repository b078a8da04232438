"""Rows of the database in the shapes that pages and API share: alerts and devices, times as ISO-8601 UTC text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from udfs.scoring import LEVELS, SILENCE_MINUTES
from udfs.wording import ALARM_BITS, COMMUNICATION_ERROR

MEASUREMENTS = ("max_temperature", "voltage", "current", "leakage_current", "resistive_leakage", "arc_count", "co_gas", "voc")
ALERT = ("alert_id", "state", "subject", "subject_kind", "site_id", "alert_type", "level", "peak_level", "risk_score",
         "peak_risk_score", "opened_at", "event_time", "last_candidate_at", "cleared_at", "candidate_count")
PEOPLE = ("status_bits", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "resolution", "note", "note_at")
LISTS = ("invalid_fields", "warnings", "sensor_anomalies")
"""Columns of lists, which the database keeps as JSON."""
ACTIVE = timedelta(minutes=SILENCE_MINUTES)
"""A device is active when its newest reading is no older than this."""


def iso(time: datetime | None) -> str | None:
    """`2025-10-09T09:00:00.959Z`, as on the topics; None stays None."""
    return None if time is None else stamp(time)


def stamp(time: datetime) -> str:
    """The same for a time that is there."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times as text, and its lists as lists of texts."""
    return {name: _told(name, value) for name, value in row.items()}


def _told(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return texts(value) if name in LISTS and value is not None else value


def alert(row: Mapping[str, Any]) -> dict[str, Any]:
    """An Alert of a row of `alerts`."""
    told = plain(row)
    return {name: told[name] for name in ALERT} | {
        "explanation": contributions(told["explanation"]), "message": {"en": told["message_en"], "ko": told["message_ko"]},
        "recommendations": {"en": texts(told["recommendations_en"]), "ko": texts(told["recommendations_ko"])},
        "measurements": {name: told[name] for name in MEASUREMENTS},
    } | {name: told[name] for name in PEOPLE}  # fmt: skip


def contributions(explanation: Any) -> list[dict[str, Any]]:
    """An alert's reasons as the alert job writes them; what others wrote into the column and is none is left out."""
    found = explanation if isinstance(explanation, list) else []
    return [_contribution(each) for each in found if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _contribution(given: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: value if _is_number(value := given.get(name)) else None for name in ("value", "limit", "points")}
    words = {name: value if isinstance(value := given.get(name), str) else None for name in ("unit", "text")}
    return {"name": given["name"], **numbers, **words}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def texts(given: Any) -> list[str]:
    """The texts of a list that the database keeps as JSON."""
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def device(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A Device of a row of `device_state`."""
    return {"device_id": row["device_id"], "site_id": row["site_id"], "last_seen": stamp(row["last_seen"]),
            "is_active": row["last_seen"] > now - ACTIVE, "risk_level": row["risk_level"], "risk_score": row["risk_score"],
            "temperature": row["last_temperature"], "arc_count": row["last_arc_count"], "status_bits": row["status_bits"],
            "alarms": alarms(row["status_bits"]), "total_alarms": row["total_alarms"], "open_alerts": row["open_alerts"]}


def alarms(status: int | None) -> list[str]:
    """The names of the alarm bits that are set; any status of 4096 or more is a communication error."""
    if not status:
        return []
    names = [bit.name for bit in ALARM_BITS if status >> bit.bit & 1]
    return names + [COMMUNICATION_ERROR.name] * (status >= 1 << COMMUNICATION_ERROR.bit)


def by_level(counted: Mapping[str, int]) -> dict[str, int]:
    """A count for every level, the worst first."""
    return {level: counted.get(level, 0) for level in reversed(LEVELS)}


def unique(texts: Iterable[str]) -> list[str]:
    """Each text once, in order."""
    return list(dict.fromkeys(texts))


def rank(level: str) -> int:
    """The place of a level, the worst the highest."""
    return LEVELS.index(level) if level in LEVELS else 0


def is_open(row: Mapping[str, Any]) -> bool:
    """Whether an alert is open: neither cleared nor resolved, or on the move again after it was resolved."""
    return row["state"] != "CLEARED" and (row["resolved_at"] is None or row["event_time"] > row["resolved_at"])
