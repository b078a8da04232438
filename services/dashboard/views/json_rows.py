"""Rows of the database in the shapes that pages and API share: alerts and devices, times as ISO-8601 UTC text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.model import CONTRACT
from udfs.readings.scoring import LEVELS, SILENCE_MINUTES
from udfs.texts.names import ALARM_BITS, COMMUNICATION_ERROR

MEASUREMENTS = tuple(each.name for each in CONTRACT.shown_with_alerts)
ALERT = ("alert_id", "state", "subject", "subject_kind", "site_id", "alert_type", "level", "peak_level", "risk_score",
         "peak_risk_score", "opened_at", "event_time", "last_candidate_at", "cleared_at", "candidate_count")
PEOPLE = ("status_bits", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "resolution", "note", "note_at")
ACTIVE = timedelta(minutes=SILENCE_MINUTES)
"""A device is active when its newest reading is no older than this."""


def iso(time: datetime | None) -> str | None:
    """`2025-10-09T09:00:00.959Z`, as on the topics; None stays None."""
    return None if time is None else stamp(time)


def stamp(time: datetime) -> str:
    """The same for a time that is there."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its times as text."""
    return {name: stamp(value) if isinstance(value, datetime) else value for name, value in row.items()}


def alert(row: Mapping[str, Any]) -> dict[str, Any]:
    """An Alert of a row of `alerts`."""
    told = plain(row)
    return {name: told[name] for name in ALERT} | {
        "explanation": told["explanation"] or [], "message": {"en": told["message_en"], "ko": told["message_ko"]},
        "recommendations": {"en": told["recommendations_en"] or [], "ko": told["recommendations_ko"] or []},
        "measurements": {name: told[name] for name in MEASUREMENTS},
    } | {name: told[name] for name in PEOPLE}  # fmt: skip


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
