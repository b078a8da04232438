"""Reads a message's timestamp in each accepted form, and writes times in one form.

Accepted are ISO-8601 with `Z`, with an offset or without one (UTC), and epoch milliseconds as a number or as digits (semantics,
"Device message → reading"). `sql/detect/message_time.sql` reads the same forms for the watermark; a test compares the two.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.shown import shown

NO_TIME = np.int64(np.iinfo(np.int64).min)
"""Marks an absent time in an int64 column."""
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""
MOST_MS = 2**53
"""A number beyond it, whatever its sign, is not exact in JSON and cannot be read."""

LONGEST_TEXT = 40
"""Characters of a time as text; the longest accepted form has 35."""
ISO_8601 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):?(\d{2})?)?", re.ASCII
)
DIGITS = re.compile(r"\d{1,16}", re.ASCII)
LARGEST_OFFSET = timedelta(hours=14)
"""No time zone is further from UTC."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def to_epoch_ms(value: Any) -> int:
    """Converts a message's `timestamp` to epoch milliseconds.

    Raises:
        ValueError: the value has none of the accepted forms, or is beyond 2^53.
    """
    milliseconds = _from_text(value) if isinstance(value, str) else _from_number(value)
    if abs(milliseconds) > MOST_MS:
        raise ValueError(f"{shown(value)} is beyond 2^53")
    return milliseconds


def _from_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{shown(value)} is neither ISO-8601 nor whole epoch milliseconds")
    return int(value)


@lru_cache(maxsize=4096)
def _from_text(text: str) -> int:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{shown(text)} is longer than {LONGEST_TEXT} characters")
    if DIGITS.fullmatch(text):
        return int(text)
    parts = ISO_8601.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is neither ISO-8601 nor epoch milliseconds")
    if parts[9] and not _is_offset(parts[9], parts[10] or "00"):
        raise ValueError(f"{text!r} has an offset that does not exist; it is at most 14:00")
    milliseconds = _from_iso(text)
    return _from_parts(text, *parts.groups()) if milliseconds is None else milliseconds


def _is_offset(hours: str, minutes: str) -> bool:
    return minutes < "60" and timedelta(hours=int(hours), minutes=int(minutes)) <= LARGEST_OFFSET


def _from_iso(text: str) -> int | None:
    """Reads an accepted text in a third of the time of `_from_parts`; None for one that Python refuses."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


def _from_parts(text: str, year: str, month: str, day: str, hour: str, minute: str, second: str, fraction: str | None,
                sign: str | None, offset_hours: str | None, offset_minutes: str | None) -> int:
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not a date and time: {problem}") from problem
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    since_epoch = local - EPOCH + (offset if sign == "-" else -offset)
    return since_epoch // MILLISECOND + int((fraction or "0")[:3].ljust(3, "0"))


def to_iso(milliseconds: NDArray[np.int64]) -> NDArray[Any]:
    """Formats epoch milliseconds as ISO-8601 text in UTC with milliseconds and `Z`; None where absent."""
    absent = milliseconds == NO_TIME
    text = np.datetime_as_string(np.where(absent, 0, milliseconds).astype("datetime64[ms]"), unit="ms").astype(object)
    text += "Z"
    text[absent] = None
    return text
