"""One row of the `candidates` topic: decoded, checked, and typed; the first thing the alert job does with it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from udfs import event_time
from udfs.scoring import ALERT_LEVELS

MINUTE_MS = 60_000
EVIDENCE = (
    "base_risk", "floor_risk", "rule_risk", "status_risk", "pattern_risk", "indicator_risk", "confidence",
    "max_temperature", "pcb_temperature", "sensor_temperature", "voltage", "voltage_low", "current", "leakage_current",
    "resistive_leakage", "power", "power_factor", "arc_count", "co_gas", "voc", "status_bits",
)  # fmt: skip
"""The scores and measurements of the reading behind a candidate; null or absent where not measured."""
WHOLE = ("arc_count", "status_bits")
LARGEST_EXACT = 2**53
"""Whole numbers up to here survive a JSON number unchanged."""

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""JSON can escape it, UTF-8 cannot hold it."""

Number = int | float


class CandidateError(ValueError):
    """A row is no usable candidate; the sentence names the field, the rule and what arrived."""


@dataclass(frozen=True)
class Minute:
    """A device had readings in the minute that ends at `end` (epoch ms, exclusive)."""

    subject: str
    end: int


@dataclass(frozen=True)
class Reading:
    """A reading that deserves an alert; `event_time` in epoch ms, `evidence` as in `EVIDENCE`, None: not measured."""

    subject: str
    site_id: str | None
    alert_type: str
    level: str
    risk_score: Number
    event_time: int
    idx: int
    evidence: dict[str, Number | None]


def decode(message: bytes | None) -> dict[str, Any]:
    """The JSON object in a message.

    Raises:
        CandidateError: it is empty, not JSON, or not an object.
    """
    if not message:
        raise CandidateError("candidate is empty; it must be a JSON object")
    try:
        row = json.loads(message)
    except (ValueError, RecursionError) as problem:
        raise CandidateError(f"candidate is not JSON: {problem}") from problem
    if not isinstance(row, dict):
        raise CandidateError(f"candidate must be a JSON object, not {_shown(row)}")
    return row


def read(row: Mapping[str, Any]) -> Minute | Reading:
    """The candidate in a decoded row.

    Raises:
        CandidateError: a field is missing or cannot be used.
    """
    kind = row.get("kind")
    if kind == "MINUTE":
        return _minute(row)
    if kind == "READING":
        return _reading(row)
    raise CandidateError(f"kind must be READING or MINUTE, not {_shown(kind)}")


def _minute(row: Mapping[str, Any]) -> Minute:
    end = _time(row)
    if end % MINUTE_MS:
        raise CandidateError(f"event_time of a MINUTE must end a whole minute, not be {_shown(row['event_time'])}")
    return Minute(_text(row, "subject"), end)


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(
        subject=_text(row, "subject"),
        site_id=None if row.get("site_id") is None else _text(row, "site_id"),
        alert_type=_text(row, "alert_type"),
        level=_level(row),
        risk_score=_required_number(row, "risk_score"),
        event_time=_time(row),
        idx=_whole(row, "idx"),
        evidence={field: (_optional_whole if field in WHOLE else _number)(row, field) for field in EVIDENCE},
    )


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if isinstance(value, str) and value and not LONE_SURROGATE.search(value):
        return value
    raise CandidateError(f"{field} must be a text that is not empty, not {_shown(value)}")


def _level(row: Mapping[str, Any]) -> str:
    value = _text(row, "level")
    if value in ALERT_LEVELS:
        return value
    raise CandidateError(f"level must be {' or '.join(ALERT_LEVELS)}, not {_shown(value)}")


def _time(row: Mapping[str, Any]) -> int:
    try:
        return event_time.to_epoch_ms(_text(row, "event_time"))
    except CandidateError:
        raise
    except (ValueError, OverflowError) as problem:
        raise CandidateError(f"event_time cannot be read: {problem}") from problem


def _whole(row: Mapping[str, Any], field: str) -> int:
    value = row.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_EXACT:
        return value
    raise CandidateError(f"{field} must be a whole number of at most 2^53, not {_shown(value)}")


def _optional_whole(row: Mapping[str, Any], field: str) -> int | None:
    return None if row.get(field) is None else _whole(row, field)


def _required_number(row: Mapping[str, Any], field: str) -> float:
    value = _number(row, field)
    if value is None:
        raise CandidateError(f"{field} must be a number, not null")
    return value


def _number(row: Mapping[str, Any], field: str) -> float | None:
    value = row.get(field)
    if value is None:
        return None
    if _is_finite_number(value):
        return float(value)
    raise CandidateError(f"{field} must be a finite number or null, not {_shown(value)}")


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
