"""Turns device messages into columns of readings, with one reason for every message that is refused.

Fields, spellings and refusals follow semantics, "Device message → reading". No message that a device can send raises an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from contract import identifiers
from contract.declared import CONTRACT
from udfs.readings import event_time, scoring
from udfs.registry.registry import NONE, Registry
from udfs.shown import json_type, shown

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
LAST_KEY = re.compile(rb'"([^"\\]+)"\s*:[^,{}\[\]"]*$')
SEARCHED_FOR_KEY = 512
"""Bytes before an error in the JSON that are searched for the name of its field."""


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
    objects = [_decode(message, row, reasons) for row, message in enumerate(messages)]
    readings = Readings({}, reasons)
    _identify(readings, objects)
    _measure(readings, objects)
    _time(readings, objects, record_ms, arrived_ms)
    lookup = registry.find(*(readings.columns[name] for name in ("device_id", "site_id", "event_ms")))
    readings.columns |= lookup.columns | scoring.score(_for_scoring(readings.columns), lookup.limits)
    _annotate(readings.columns)
    return readings


def _decode(message: bytes | None, row: int, reasons: Column) -> dict[str, Any]:
    try:
        value = orjson.loads(message or b"")
    except orjson.JSONDecodeError as problem:
        reasons[row] = _not_json(message or b"", problem)
        return {}
    if isinstance(value, dict):
        return value
    reasons[row] = f"message is not a JSON object but {json_type(value)}"
    return {}


def _not_json(message: bytes, problem: orjson.JSONDecodeError) -> str:
    if not message:
        return "message is empty"
    key = LAST_KEY.search(message[max(problem.pos - SEARCHED_FOR_KEY, 0) : problem.pos])
    where = f"{key[1].decode(errors='replace')}: " if key else ""
    return f"{where}message is not JSON: {problem}"


def _values(objects: list[dict[str, Any]], spellings: tuple[str, ...]) -> list[Any]:
    first, *others = spellings
    values = [message.get(first) for message in objects]
    for other in others:
        for row in [row for row, value in enumerate(values) if value is None]:
            values[row] = objects[row].get(other)
    return values


def _identify(readings: Readings, objects: list[dict[str, Any]]) -> None:
    device = _values(objects, ("deviceId",))
    readings.columns["device_id"] = _text(readings, device, "deviceId", required=True)
    _refuse_other_topics(readings, device, _values(objects, ("topicDeviceId",)))
    readings.columns["site_id"] = _text(readings, _values(objects, ("siteId",)), "siteId", required=False)
    idx = _numbers(readings, _values(objects, ("idx",)), "idx")
    readings.refuse(np.isnan(idx), lambda row: "idx is absent")
    _whole(readings, idx, "idx", lowest=-LARGEST_EXACT)
    readings.columns["idx"] = idx


def _refuse_other_topics(readings: Readings, devices: list[Any], topics: list[Any]) -> None:
    """Refuses messages from another device's MQTT topic; `topicDeviceId`, if an IoT rule adds it, is the device of the topic."""
    if any(topic is not None for topic in topics):
        differs = np.array([topic is not None and topic != device for device, topic in zip(devices, topics, strict=True)])
        readings.refuse(differs, lambda row: f"deviceId is {shown(devices[row])}, but its topic's is {shown(topics[row])}")


def _text(readings: Readings, values: list[Any], field: str, *, required: bool) -> Column:
    column: Column = np.empty(len(values), dtype=object)
    column[:] = values
    texts = {value for value in values if type(value) is str}
    sound = {text for text in texts if text and not _text_problem(text, required)}
    for row in [row for row, value in enumerate(values) if type(value) is not str or value not in sound]:
        value = values[row]
        problem = _text_problem(value, required)
        if problem:
            readings.reason[row] = readings.reason[row] or f"{field} {problem}"
            column[row] = None
        elif value == "":
            column[row] = None
    return column


def _text_problem(value: Any, required: bool) -> str | None:
    if value is None:
        return "is absent" if required else None
    if not isinstance(value, str):
        return f"must be a string, not {shown(value)}"
    if identifiers.is_too_long(value):
        return f"is longer than {identifiers.LONGEST_BYTES} bytes in UTF-8"
    if required and not value.strip():
        return "is empty"
    return "contains a control character" if CONTROL_CHARACTER.search(value) else None


def _measure(readings: Readings, objects: list[dict[str, Any]]) -> None:
    measured = np.zeros(len(objects), dtype=bool)
    for field, spellings in (MEASUREMENTS | COUNTS).items():
        column = _numbers(readings, _values(objects, spellings), spellings[0])
        if field in COUNTS:
            _whole(readings, column, spellings[0], lowest=0)
        readings.columns[field] = column
        measured |= ~np.isnan(column)
    readings.refuse(~measured, lambda row: "nothing is measured: neither status nor any measurement is present")
    verify = _numbers(readings, _values(objects, ("verifySts",)), "verifySts")
    _whole(readings, verify, "verifySts", lowest=-LARGEST_EXACT)
    readings.columns["verify_status"] = verify


def _numbers(readings: Readings, values: list[Any], field: str) -> Column:
    """Converts values to a float column, NaN for null; reads numbers sent as text, and refuses everything else."""
    other_types = set(map(type, values)) - PLAIN_NUMBERS
    for row in [row for row, value in enumerate(values) if type(value) in other_types] if other_types else ():
        values[row] = _number(readings, row, values[row], field)
    column = np.array(values, dtype=np.float64)
    readings.refuse(np.isinf(column), lambda row: f"{field} must be finite")
    return column


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


def _time(readings: Readings, objects: list[dict[str, Any]], record_ms: Column, arrived_ms: Column) -> None:
    stamps = _values(objects, ("timestamp",))
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
    fields, warnings = np.full(length, "", dtype=object), np.full(length, "", dtype=object)
    for field, (low, high) in scoring.RANGES.items():
        outside = (columns[field] < low) | (columns[field] > high)
        fields[outside] += field + ","
    differs = columns["verify_status"] != columns["status_bits"]
    differs &= ~np.isnan(columns["verify_status"]) & ~np.isnan(columns["status_bits"])
    for row in np.flatnonzero(differs):
        warnings[row] = (f"verify_status {columns['verify_status'][row]:.0f} differs from "
                         f"status_bits {columns['status_bits'][row]:.0f}")
    columns["is_valid"] = fields == ""
    columns["invalid_fields"] = np.array([text.rstrip(",") for text in fields], dtype=object)
    columns["warnings"] = warnings
