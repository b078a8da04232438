"""Converts database rows to the JSON objects that the pages and the API share, with times as ISO-8601 strings in UTC."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.declared import CONTRACT
from udfs.readings.scoring import ALARM_BITS, BIT, LEVELS, alarms_of
from udfs.readings.thresholds import SILENCE_MINUTES
from udfs.texts.names import COMMUNICATION_ERROR

MEASUREMENTS = tuple(each.name for each in CONTRACT.shown_with_alerts)
ALERT = ("alert_id", "state", "subject", "subject_kind", "site_id", "alert_type", "level", "peak_level", "risk_score",
         "peak_risk_score", "opened_at", "event_time", "last_candidate_at", "cleared_at", "candidate_count")
PEOPLE = ("status_bits", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "resolution", "note", "note_at")
LISTS = ("invalid_fields", "invalid_values", "warnings", "sensor_anomalies", "recommendations")
"""Columns of lists, which the database stores as JSON."""
ACTIVE = timedelta(minutes=SILENCE_MINUTES)
"""The age of its newest reading up to which a device is active."""


def iso(time: datetime | None) -> str | None:
    """Formats a time as `2025-10-09T09:00:00.959Z`, as on the topics; None stays None."""
    return None if time is None else stamp(time)


def stamp(time: datetime) -> str:
    """Formats a time as `2025-10-09T09:00:00.959Z`, as on the topics."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a row with its times as ISO-8601 strings and its lists as lists of strings."""
    return {name: _plain(name, value) for name, value in row.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return texts(value) if name in LISTS and value is not None else value


def alert(row: Mapping[str, Any]) -> dict[str, Any]:
    """Converts a row of `alerts` to the API's Alert."""
    values = plain(row)
    return {name: values[name] for name in ALERT} | {
        "explanation": contributions(values["explanation"]),
        "message": {"en": values["message_en"], "ko": values["message_ko"]},
        "recommendations": {"en": texts(values["recommendations_en"]), "ko": texts(values["recommendations_ko"])},
        "measurements": {name: values[name] for name in MEASUREMENTS},
    } | {name: values[name] for name in PEOPLE}  # fmt: skip


def contributions(explanation: Any) -> list[dict[str, Any]]:
    """Returns the contributions to an alert's score in the form that the alert job writes; anything else is left out."""
    found = explanation if isinstance(explanation, list) else []
    return [_contribution(each) for each in found if isinstance(each, dict) and isinstance(each.get("name"), str)]


def _contribution(given: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: value if _is_number(value := given.get(name)) else None for name in ("value", "limit", "points")}
    words = {name: value if isinstance(value := given.get(name), str) else None for name in ("unit", "text")}
    return {"name": given["name"], **numbers, **words}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def texts(given: Any) -> list[str]:
    """Returns the strings of a list that the database stores as JSON; nothing if it is not a list."""
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def device(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Converts a row of `device_state` to the API's Device."""
    return {"device_id": row["device_id"], "site_id": row["site_id"], "last_seen": stamp(row["last_seen"]),
            "is_active": row["last_seen"] > now - ACTIVE, "risk_level": row["risk_level"], "risk_score": row["risk_score"],
            "temperature": row["last_temperature"], "arc_count": row["last_arc_count"], "status_bits": row["status_bits"],
            "alarms": alarms(row["status_bits"]), "total_alarms": row["total_alarms"], "open_alerts": row["open_alerts"]}


def alarms(status: int | None) -> list[str]:
    """Returns the names of the alarms that are on; from 4096 on a communication error is one, and from 8192 on the only one."""
    if not status:
        return []
    bits = alarms_of(status)
    names = [name for name in ALARM_BITS if bits & BIT[name]]
    return names + [COMMUNICATION_ERROR.name] * (status >= 1 << COMMUNICATION_ERROR.bit)


def by_level(counted: Mapping[str, int]) -> dict[str, int]:
    """Returns a count for every level, worst first, 0 for those that are missing."""
    return {level: counted.get(level, 0) for level in reversed(LEVELS)}


def unique(texts: Iterable[str]) -> list[str]:
    """Returns the texts in order without repetitions."""
    return list(dict.fromkeys(texts))


def rank(level: str) -> int:
    """Returns the rank of a level, highest for the worst; 0 if it is unknown."""
    return LEVELS.index(level) if level in LEVELS else 0


def is_open(row: Mapping[str, Any]) -> bool:
    """Returns whether an alert is open: not cleared, and not resolved since its latest event."""
    return row["state"] != "CLEARED" and (row["resolved_at"] is None or row["event_time"] > row["resolved_at"])
