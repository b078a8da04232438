"""Reads the fields of a row of the `candidates` topic; each function raises CandidateError if the field cannot be used."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from contract import identifiers
from udfs.readings import event_time
from udfs.readings.parsing import LARGEST_EXACT
from udfs.shown import LONGEST_SHOWN, json_type, shortened

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: JSON can escape it, UTF-8 cannot encode it."""

Number = int | float


class CandidateError(ValueError):
    """A row that cannot be used as a candidate; the message names the field, the rule and what arrived."""


def text(row: Mapping[str, Any], field: str, longest: int = identifiers.LONGEST_BYTES) -> str:
    """Reads a text that is not empty, of at most `longest` bytes."""
    value = row.get(field)
    if isinstance(value, str) and identifiers.is_too_long(value, longest):
        raise CandidateError(f"{field} must be a text of at most {longest} bytes in UTF-8, not {shown(value)}")
    if isinstance(value, str) and value and not LONE_SURROGATE.search(value):
        return value
    raise CandidateError(f"{field} must be a text that is not empty, not {shown(value)}")


def optional_text(row: Mapping[str, Any], field: str) -> str | None:
    """Reads a text, or None where it is absent."""
    return None if row.get(field) is None else text(row, field)


def word(row: Mapping[str, Any], field: str, words: tuple[str, ...]) -> str:
    """Reads one of the listed words."""
    value = text(row, field)
    if value in words:
        return value
    raise CandidateError(f"{field} must be {', '.join(words[:-1])} or {words[-1]}, not {shown(value)}")


def is_held(row: Mapping[str, Any]) -> bool:
    """Reads `is_held`; absent or null is False, because an unknown must not withhold an alert."""
    value = row.get("is_held")
    if value is None or isinstance(value, bool):
        return bool(value)
    raise CandidateError(f"is_held must be true or false, not {shown(value)}")


def time(row: Mapping[str, Any], field: str = "event_time") -> int:
    """Reads a time as epoch milliseconds."""
    try:
        return event_time.to_epoch_ms(text(row, field))
    except CandidateError:
        raise
    except (ValueError, OverflowError) as problem:
        raise CandidateError(f"{field} cannot be read: {problem}") from problem


def optional_time(row: Mapping[str, Any], field: str) -> int | None:
    """Reads a time, or None where it is absent."""
    return None if row.get(field) is None else time(row, field)


def whole(row: Mapping[str, Any], field: str) -> int:
    """Reads a whole number that can be kept exactly."""
    value = row.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_EXACT:
        return value
    raise CandidateError(f"{field} must be a whole number of at most 2^53, not {shown(value)}")


def optional_whole(row: Mapping[str, Any], field: str) -> int | None:
    """Reads a whole number, or None where it is absent."""
    return None if row.get(field) is None else whole(row, field)


def required_number(row: Mapping[str, Any], field: str) -> float:
    """Reads a finite number."""
    value = number(row, field)
    if value is None:
        raise CandidateError(f"{field} must be a number, not null")
    return value


def number(row: Mapping[str, Any], field: str) -> float | None:
    """Reads a finite number, or None where it is absent."""
    value = row.get(field)
    if value is None:
        return None
    if _is_finite_number(value):
        return float(value)
    raise CandidateError(f"{field} must be a finite number or null, not {shown(value)}")


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def shown(value: Any) -> str:
    """Formats a value as JSON; an array or object only by its type, because it may be nested too deeply to be written."""
    if isinstance(value, str):
        value = value[:LONGEST_SHOWN]
    return shortened(json_type(value) if isinstance(value, dict | list) else json.dumps(value), LONGEST_SHOWN)
