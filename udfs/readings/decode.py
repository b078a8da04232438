"""Turns device messages into columns of readings, with one reason for every message that is refused.

Fields, spellings and refusals follow semantics, "Device message → reading". No message that a device can send raises an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract import identifiers
from contract.declared import CONTRACT
from udfs.readings import event_time, scoring
from udfs.readings.parsing import Messages, parse
from udfs.registry.registry import NONE, Registry
from udfs.shown import shown

Column = NDArray[Any]

MEASUREMENTS = {each.name: each.spellings for each in CONTRACT.measured if each.type == "number"}
"""Field of a reading → its spellings in a message."""
COUNTS = {each.name: each.spellings for each in CONTRACT.measured if each.type == "whole" and each.evidence}
LARGEST_EXACT = 2**53
"""The largest whole number that is exact in a JSON number."""

LONGEST_NUMBER = 256
"""Characters of a number that is sent as text, spaces included."""
NUMERIC_TEXT = re.compile(r"\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")
PLAIN_NUMBERS = frozenset({int, float, type(None)})
"""Types that become a float column without conversion; bool is not one of them."""


@dataclass
class Readings:
    """A batch of messages as columns of one length; `reason` is None for an accepted message."""

    columns: dict[str, Column]
    reason: Column

    def refuse(self, rows: Column, reason: Callable[[int], str]) -> None:
        """Refuses the rows that a boolean column marks; a row that already has a reason keeps it."""
        for row in np.flatnonzero(rows):
            self.reason[row] = self.reason[row] or reason(int(row))


def read(messages: Sequence[bytes | None], record_ms: Column | None = None, arrived_ms: Column | None = None,
         registry: Registry = NONE) -> Readings:
    """Decodes, validates and scores messages.

    Args:
        messages: the bytes as they arrived.
        record_ms: when the broker received each record, which replaces an absent timestamp; epoch milliseconds, int64,
            `event_time.NO_TIME` if unknown.
        arrived_ms: the latest moment at which each message can have arrived, which bounds the timestamp; in the same form.
        registry: the sites, profiles and maintenance windows of the devices.

    Returns:
        Columns: every field of a reading (semantics, "Device message → reading"; NaN or None if not measured), its scores,
        `event_ms` (int64), `is_valid`, `invalid_fields` and `warnings` (comma-separated text), and the columns that
        `Registry.find` adds.
    """
    no_times = np.full(len(messages), event_time.NO_TIME)
    record_ms, arrived_ms = (no_times if times is None else times for times in (record_ms, arrived_ms))
    reasons: Column = np.full(len(messages), None, dtype=object)
    parsed = parse(messages, reasons)
    readings = Readings({}, reasons)
    _identify(readings, parsed)
    _measure(readings, parsed)
    _time(readings, parsed, record_ms, arrived_ms)
    lookup = registry.find(*(readings.columns[name] for name in ("device_id", "site_id", "event_ms")))
    readings.columns |= lookup.columns | scoring.score(_for_scoring(readings.columns), lookup.limits)
    _annotate(readings.columns)
    return readings


def _identify(readings: Readings, parsed: Messages) -> None:
    readings.columns["device_id"] = _text(readings, parsed, "deviceId", required=True)
    _refuse_other_topics(readings, parsed)
    readings.columns["site_id"] = _text(readings, parsed, "siteId", required=False)
    idx = _numbers(readings, parsed, ("idx",))
    readings.refuse(np.isnan(idx), lambda row: "idx is absent")
    _whole(readings, idx, "idx", lowest=-LARGEST_EXACT)
    readings.columns["idx"] = idx


def _refuse_other_topics(readings: Readings, parsed: Messages) -> None:
    """Refuses messages from another device's MQTT topic; `topicDeviceId`, if an IoT rule adds it, is the device of the topic."""
    topics = parsed.values("topicDeviceId")
    if topics.count(None) < len(topics):
        devices = parsed.values("deviceId")
        differs = np.array([topic is not None and topic != device for device, topic in zip(devices, topics, strict=True)])
        readings.refuse(differs, lambda row: f"deviceId is {shown(devices[row])}, but its topic's is {shown(topics[row])}")


def _text(readings: Readings, parsed: Messages, field: str, *, required: bool) -> Column:
    plain = parsed.plain_values(field)
    unsound = _unsound(plain, required)
    values = parsed.with_odd(plain, field)
    column: Column = np.fromiter(values, dtype=object, count=len(values))
    for row in chain(parsed.odd_rows, unsound):
        problem = _text_problem(values[row], required)
        if problem:
            readings.reason[row] = readings.reason[row] or f"{field} {problem}"
            column[row] = None
        elif values[row] == "":
            column[row] = None
    return column


def _unsound(values: list[str | None], required: bool) -> list[int]:
    """Returns the rows of texts that have a problem; a batch repeats few texts, and they are searched as one."""
    texts = {text for text in set(values) if text is not None}
    if all(map(str.strip, texts)) and not CONTROL_CHARACTER.search("".join(texts)):
        return []
    unsound = {text for text in texts if _text_problem(text, required)}
    return [row for row, text in enumerate(values) if text in unsound]


def _text_problem(value: Any, required: bool) -> str | None:
    if isinstance(value, str):
        return _problem_of(value, required)
    if value is None:
        return "is absent" if required else None
    return f"must be a string, not {shown(value)}"


@lru_cache(maxsize=4096)
def _problem_of(text: str, required: bool) -> str | None:
    if identifiers.is_too_long(text):
        return f"is longer than {identifiers.LONGEST_BYTES} bytes in UTF-8"
    if required and not text.strip():
        return "is empty"
    return "contains a control character" if CONTROL_CHARACTER.search(text) else None


def _measure(readings: Readings, parsed: Messages) -> None:
    measured = np.zeros(len(readings.reason), dtype=bool)
    for field, spellings in (MEASUREMENTS | COUNTS).items():
        column = _numbers(readings, parsed, spellings)
        if field in COUNTS:
            _whole(readings, column, spellings[0], lowest=0)
        readings.columns[field] = column
        measured |= ~np.isnan(column)
    readings.refuse(~measured, lambda row: "nothing is measured: neither status nor any measurement is present")
    verify = _numbers(readings, parsed, ("verifySts",))
    _whole(readings, verify, "verifySts", lowest=-LARGEST_EXACT)
    readings.columns["verify_status"] = verify


def _numbers(readings: Readings, parsed: Messages, spellings: tuple[str, ...]) -> Column:
    """Returns a float column, NaN for null; reads numbers sent as text, and refuses everything else."""
    field, column = spellings[0], parsed.plain_numbers(spellings)
    if parsed.odd_rows:
        column[parsed.at_odd_rows] = _converted(readings, parsed.odd_rows, parsed.odd_values(spellings), field)
    readings.refuse(np.isinf(column), lambda row: f"{field} must be finite")
    return column


def _converted(readings: Readings, rows: list[int], values: list[Any], field: str) -> Column:
    if not PLAIN_NUMBERS.issuperset(map(type, values)):
        values = [value if type(value) in PLAIN_NUMBERS else _number(readings, row, value, field)
                  for row, value in zip(rows, values, strict=True)]
    return np.array(values, dtype=np.float64)


def _number(readings: Readings, row: int, value: Any, field: str) -> float | None:
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and NUMERIC_TEXT.fullmatch(value):
        return float(value)
    limit = f" of at most {LONGEST_NUMBER} characters" if isinstance(value, str) and len(value) > LONGEST_NUMBER else ""
    readings.reason[row] = readings.reason[row] or f"{field} must be a number{limit}, not {shown(value)}"
    return None


def _whole(readings: Readings, column: Column, field: str, *, lowest: int) -> None:
    readings.refuse((column < lowest) | (column > LARGEST_EXACT), lambda row: f"{field} is out of range: {column[row]:.16g}")
    fractional = np.isfinite(column) & (column != np.floor(column))
    readings.refuse(fractional, lambda row: f"{field} must be a whole number, not {column[row]:.16g}")


def _time(readings: Readings, parsed: Messages, record_ms: Column, arrived_ms: Column) -> None:
    stamps = parsed.values("timestamp")
    event_ms = np.array([stamp if type(stamp) is int and 0 <= stamp <= event_time.LATEST_MS
                         else _event_ms(readings, row, stamp, record_ms[row])
                         for row, stamp in enumerate(stamps)], dtype=np.int64)
    ahead = (arrived_ms != event_time.NO_TIME) & (event_ms > arrived_ms + event_time.MAX_AHEAD_MS)
    readings.refuse(ahead, lambda row: f"timestamp {stamps[row]!r} is more than {event_time.MAX_AHEAD_HOURS} h ahead of its "
                                       "arrival")
    readings.columns["event_ms"] = event_ms


def _event_ms(readings: Readings, row: int, stamp: Any, record_ms: int) -> int:
    if stamp is None:
        return int(record_ms)
    try:
        return event_time.to_epoch_ms(stamp)
    except (ValueError, OverflowError) as problem:
        readings.reason[row] = readings.reason[row] or f"timestamp cannot be read: {problem}"
        return int(event_time.NO_TIME)


def _for_scoring(columns: dict[str, Column]) -> dict[str, Column]:
    status = np.nan_to_num(columns["status_bits"], nan=0.0, posinf=0.0, neginf=0.0)
    return columns | {"status_bits": np.clip(status, 0, LARGEST_EXACT).astype(np.int64)}


def _annotate(columns: dict[str, Column]) -> None:
    """Adds the columns `is_valid`, `invalid_fields` and `warnings`."""
    length = len(columns["idx"])
    invalid, fields, warnings = np.zeros(length, dtype=bool), np.full(length, "", dtype=object), np.full(length, "", dtype=object)
    for field, (low, high) in scoring.RANGES.items():
        outside = (columns[field] < low) | (columns[field] > high)
        fields[outside] += field + ","
        invalid |= outside
    differs = columns["verify_status"] != columns["status_bits"]
    differs &= ~np.isnan(columns["verify_status"]) & ~np.isnan(columns["status_bits"])
    for row in np.flatnonzero(differs):
        warnings[row] = (f"verify_status {columns['verify_status'][row]:.0f} differs from "
                         f"status_bits {columns['status_bits'][row]:.0f}")
    for row in np.flatnonzero(invalid):
        fields[row] = fields[row].rstrip(",")
    columns["is_valid"] = ~invalid
    columns["invalid_fields"] = fields
    columns["warnings"] = warnings
