"""Turns device messages into columns of readings, with one reason for every message that is refused.

Fields, spellings and refusals follow semantics, "Device message → reading". No message that a device can send raises an error.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract import identifiers
from contract.declared import CONTRACT
from udfs.readings import event_time, plausibility, scoring, thresholds
from udfs.readings.clocks import Clocks
from udfs.readings.parsing import LARGEST_EXACT, Messages, parse
from udfs.registry.registry import NONE, Registry
from udfs.shown import shown

Column = NDArray[Any]

MEASUREMENTS = {each.name: each.spellings for each in CONTRACT.measured if each.type == "number"}
"""Field of a reading → its spellings in a message."""
COUNTS = {each.name: each.spellings for each in CONTRACT.measured if each.type == "whole" and each.evidence}
BOUNDED = tuple(each.name for each in CONTRACT.measured if each.range or each.possible)
"""Fields of a reading that `invalid_fields` can name."""
LONGEST_NUMBER = 256
"""Characters of a number that is sent as text, spaces included."""
NUMERIC_TEXT = re.compile(r"\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
WHOLE_TEXT = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


@dataclass
class Readings:
    """A batch of messages as columns of one length; `reason` is None for an accepted message."""

    columns: dict[str, Column]
    reason: Column
    warnings: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Row → sentences without commas."""
    impossible: dict[str, dict[int, float]] = field(default_factory=dict)
    """Field → row → the value that counts as not measured."""

    def refuse(self, rows: Column, reason: Callable[[int], str]) -> None:
        """Refuses the rows that a boolean column marks; a row that already has a reason keeps it."""
        for row in np.flatnonzero(rows):
            self.reason[row] = self.reason[row] or reason(int(row))


def read(messages: Sequence[bytes | None], record_ms: Column | None = None, arrived_ms: Column | None = None,
         registry: Registry = NONE, oldest_days: int = 0) -> Readings:
    """Decodes, validates and scores messages.

    Args:
        messages: the bytes as they arrived.
        record_ms: when each message arrived, which replaces an absent or impossible timestamp; epoch milliseconds, int64,
            `event_time.NO_TIME` if unknown.
        arrived_ms: the latest moment at which a message of unknown arrival can have arrived, in the same form; a later
            timestamp is refused.
        registry: the sites, profiles and maintenance windows of the devices.
        oldest_days: how long before its arrival a message can have been measured, 0 for any time.

    Returns:
        Columns: every field of a reading (semantics, "Device message → reading"; NaN or None if not measured), its scores,
        `event_ms` (int64), `is_valid`, `invalid_fields`, `invalid_values` and `warnings` (comma-separated text),
        `sensor_fault` (field and value, or None), and the columns that `Registry.find` adds.
    """
    no_times = np.full(len(messages), event_time.NO_TIME)
    record_ms, arrived_ms = (no_times if times is None else times for times in (record_ms, arrived_ms))
    reasons: Column = np.full(len(messages), None, dtype=object)
    parsed = parse(messages, reasons)
    readings = Readings({}, reasons)
    _warn(readings, parsed)
    _identify(readings, parsed)
    _measure(readings, parsed)
    _time(readings, parsed, record_ms, arrived_ms, oldest_days)
    lookup = registry.find(*(readings.columns[name] for name in ("device_id", "site_id", "event_ms")))
    readings.columns |= lookup.columns | scoring.score(_for_scoring(readings.columns), lookup.limits)
    _annotate(readings)
    return readings


def _warn(readings: Readings, parsed: Messages) -> None:
    """Warns of fields that look like ones that are read; a plain message has no other fields."""
    for row, message in zip(parsed.odd_rows, parsed.odd, strict=True):
        if not message.keys() <= plausibility.FIELDS:
            readings.warnings[row] += plausibility.warnings_of(message)


def _identify(readings: Readings, parsed: Messages) -> None:
    readings.columns["device_id"] = _text(readings, parsed, "deviceId", is_required=True)
    _refuse_other_topics(readings, parsed)
    readings.columns["site_id"] = _text(readings, parsed, "siteId", is_required=False)
    idx = _numbers(readings, parsed, ("idx",), is_whole=True)
    readings.refuse(np.isnan(idx), lambda row: "idx is absent")
    _whole(readings, idx, "idx", lowest=-LARGEST_EXACT)
    readings.columns["idx"] = idx


def _refuse_other_topics(readings: Readings, parsed: Messages) -> None:
    """Refuses messages from another device's MQTT topic; `topicDeviceId`, if an IoT rule adds it, is the device of the topic."""
    topics = parsed.values("topicDeviceId")
    if topics.count(None) < len(topics):
        devices = readings.columns["device_id"]
        differs = np.array([topic is not None and _checked(topic, is_required=False)[0] != device
                            for device, topic in zip(devices, topics, strict=True)])
        readings.refuse(differs, lambda row: f"deviceId is {shown(devices[row])}, but its topic's is {shown(topics[row])}")


def _text(readings: Readings, parsed: Messages, name: str, *, is_required: bool) -> Column:
    """Returns a column of texts, normalised and trimmed; None where absent or blank."""
    plain = parsed.plain_values(name)
    unusual = _unusual(plain)
    values = parsed.with_odd(plain, name)
    column: Column = np.fromiter(values, dtype=object, count=len(values))
    for row in chain(parsed.odd_rows, unusual):
        column[row], problem = _checked(values[row], is_required=is_required)
        if problem:
            readings.reason[row] = readings.reason[row] or f"{name} {problem}"
    return column


def _unusual(values: list[str | None]) -> list[int]:
    """Returns the rows of texts that must be checked one by one; a batch repeats few texts, and they are searched as one."""
    texts = [text for text in set(values) if text is not None]
    together = "".join(texts)
    if (list(map(str.strip, texts)) == texts and not CONTROL_CHARACTER.search(together)
            and (together.isascii() or unicodedata.is_normalized("NFC", together))):
        return []
    unusual = {text for text in texts if _checked(text, is_required=True) != (text, None)}
    return [row for row, text in enumerate(values) if text in unusual]


def _checked(value: Any, *, is_required: bool) -> tuple[str | None, str | None]:
    """Returns the text as it is kept, and what is wrong with it."""
    if value is None:
        return None, "is absent" if is_required else None
    if not isinstance(value, str):
        return None, f"must be a string, not {shown(value)}"
    if identifiers.is_too_long(value):
        return None, f"is longer than {identifiers.LONGEST_BYTES} bytes in UTF-8"
    text = identifiers.normal(value)
    if not text:
        return None, "is empty" if is_required else None
    return (None, "contains a control character") if CONTROL_CHARACTER.search(text) else (text, None)


def _measure(readings: Readings, parsed: Messages) -> None:
    has_value = np.zeros(len(readings.reason), dtype=bool)
    for name, spellings in (MEASUREMENTS | COUNTS).items():
        column = _numbers(readings, parsed, spellings, is_whole=name in COUNTS)
        if name in COUNTS:
            _whole(readings, column, spellings[0], lowest=0)
        has_value |= ~np.isnan(column)
        readings.columns[name] = _possible(readings, name, column)
    np.abs(readings.columns["power_factor"], out=readings.columns["power_factor"])
    readings.refuse(~has_value, lambda row: "nothing is measured: neither status nor any measurement has a value")
    verify = _numbers(readings, parsed, ("verifySts",), is_whole=True)
    _whole(readings, verify, "verifySts", lowest=-LARGEST_EXACT)
    readings.columns["verify_status"] = verify


def _possible(readings: Readings, name: str, column: Column) -> Column:
    """Returns the column without impossible values, which count as not measured."""
    if name in plausibility.POSSIBLE:
        rows = np.flatnonzero(plausibility.is_impossible(name, column))
        if rows.size:
            readings.impossible[name] = dict(zip(rows.tolist(), column[rows].tolist(), strict=True))
            column[rows] = np.nan
    return column


def _numbers(readings: Readings, parsed: Messages, spellings: tuple[str, ...], *, is_whole: bool = False) -> Column:
    """Returns a float column, NaN where there is no value; reads numbers sent as text, and refuses everything else."""
    name, column = spellings[0], parsed.plain_numbers(spellings)
    if parsed.odd_rows:
        values = parsed.odd_values(spellings)
        column[parsed.at_odd_rows] = [_number(readings, row, value, name, is_whole=is_whole)
                                      for row, value in zip(parsed.odd_rows, values, strict=True)]
    for row in chain.from_iterable(parsed.nulls.get(spelling, ()) for spelling in spellings):
        if np.isnan(column[row]):
            readings.warnings[row].append(f"{name} has no value: null")
    readings.refuse(np.isinf(column), lambda row: f"{name} must be finite")
    return column


def _number(readings: Readings, row: int, value: Any, name: str, *, is_whole: bool) -> float:
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and NUMERIC_TEXT.fullmatch(value):
        value = int(value) if is_whole and WHOLE_TEXT.fullmatch(value) else float(value)
    if value is None:
        return math.nan
    if type(value) is int or type(value) is float:
        if is_whole and type(value) is int and abs(value) > LARGEST_EXACT:
            readings.reason[row] = readings.reason[row] or f"{name} is out of range: {shown(value)}"
            return math.nan
        return float(value)
    if plausibility.has_no_value(value):
        readings.warnings[row].append(f"{name} has no value: {shown(value)}")
        return math.nan
    limit = f" of at most {LONGEST_NUMBER} characters" if isinstance(value, str) and len(value) > LONGEST_NUMBER else ""
    readings.reason[row] = readings.reason[row] or f"{name} must be a number{limit}, not {shown(value)}"
    return math.nan


def _whole(readings: Readings, column: Column, name: str, *, lowest: int) -> None:
    readings.refuse((column < lowest) | (column > LARGEST_EXACT), lambda row: f"{name} is out of range: {column[row]:.16g}")
    fractional = np.isfinite(column) & (column != np.floor(column))
    readings.refuse(fractional, lambda row: f"{name} must be a whole number, not {column[row]:.16g}")


def _time(readings: Readings, parsed: Messages, record_ms: Column, arrived_ms: Column, oldest_days: int) -> None:
    stamps = parsed.values("timestamp")
    stated_ms = np.array([stamp if type(stamp) is int and 0 <= stamp <= event_time.LATEST_MS else _stated_ms(readings, row, stamp)
                          for row, stamp in enumerate(stamps)], dtype=np.int64)
    clocks = Clocks(stated_ms, record_ms, arrived_ms, oldest_days)
    readings.columns |= {"event_ms": clocks.event_ms(), "clock_offset": clocks.offset()}
    is_old, is_ahead = clocks.is_old, clocks.is_ahead
    readings.refuse(is_old & ~clocks.has_arrival, lambda row: clocks.why_old(row, stamps[row]))
    readings.refuse(is_ahead & ~clocks.has_arrival, lambda row: clocks.why_ahead(row, stamps[row]))
    for row in np.flatnonzero(is_old & clocks.has_arrival).tolist():
        readings.warnings[row].append(f"clock: {clocks.why_old(row, stamps[row])}")


def _stated_ms(readings: Readings, row: int, stamp: Any) -> int:
    """Returns a stamp's time; NO_TIME where it is absent, or cannot be read, which refuses the message."""
    try:
        return int(event_time.NO_TIME) if stamp is None else event_time.to_epoch_ms(stamp)
    except (ValueError, OverflowError) as problem:
        readings.reason[row] = readings.reason[row] or f"timestamp cannot be read: {problem}"
        return int(event_time.NO_TIME)


def _for_scoring(columns: dict[str, Column]) -> dict[str, Column]:
    status = np.nan_to_num(columns["status_bits"], nan=0.0, posinf=0.0, neginf=0.0)
    return columns | {"status_bits": np.clip(status, 0, LARGEST_EXACT).astype(np.int64)}


def _annotate(readings: Readings) -> None:
    """Adds the columns `is_valid`, `invalid_fields`, `invalid_values`, `sensor_fault` and `warnings`."""
    columns, length = readings.columns, len(readings.reason)
    invalid: dict[int, list[tuple[str, str]]] = defaultdict(list)
    faults: dict[int, str] = {}
    for row, name, value in _invalid(readings):
        text = repr(value).removesuffix(".0")
        invalid[row].append((name, text))
        if not plausibility.may_burn(name, value):
            faults.setdefault(row, f"{name} {text}")
    for row, sentence in chain(_of_power(columns["power"]), _unverified(columns)):
        readings.warnings[row].append(sentence)
    columns["is_valid"] = np.ones(length, dtype=bool)
    columns["is_valid"][list(invalid)] = False
    columns["invalid_fields"] = _joined(length, {row: [name for name, _ in found] for row, found in invalid.items()})
    columns["invalid_values"] = _joined(length, {row: [value for _, value in found] for row, found in invalid.items()})
    columns["sensor_fault"] = np.full(length, None, dtype=object)
    for row, found in faults.items():
        columns["sensor_fault"][row] = found
    columns["warnings"] = _joined(length, readings.warnings)


def _invalid(readings: Readings) -> Iterator[tuple[int, str, float]]:
    """Yields the row, field and value of each measurement that is impossible or out of its range, in the order of the fields."""
    for name in BOUNDED:
        for row, value in readings.impossible.get(name, {}).items():
            yield row, name, value
        if name in scoring.RANGES:
            column, (lowest, highest) = readings.columns[name], scoring.RANGES[name]
            outside = np.flatnonzero((column < lowest) | (column > highest))
            yield from zip(outside.tolist(), repeat(name), column[outside].tolist(), strict=False)


def _of_power(power: Column) -> Iterator[tuple[int, str]]:
    for row in np.flatnonzero(np.abs(power) > thresholds.MOST_POWER_KW):
        yield int(row), plausibility.of_power(power[row])


def _unverified(columns: dict[str, Column]) -> Iterator[tuple[int, str]]:
    verified, status = columns["verify_status"], columns["status_bits"]
    for row in np.flatnonzero((verified != status) & ~np.isnan(verified) & ~np.isnan(status)):
        yield int(row), f"verify_status {verified[row]:.0f} differs from status_bits {status[row]:.0f}"


def _joined(length: int, texts: Mapping[int, list[str]]) -> Column:
    """Returns a column with the texts of each row, separated by commas."""
    column: Column = np.full(length, "", dtype=object)
    for row, each in texts.items():
        column[row] = ",".join(each)
    return column
