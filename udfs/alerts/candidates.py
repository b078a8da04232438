"""Decodes and checks the rows of the `candidates` topic for the alert job."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract import crossing, identifiers
from contract.declared import CONTRACT
from udfs.alerts import fields
from udfs.alerts.fields import CandidateError, Number
from udfs.readings.thresholds import LEAST_RISK, SILENT_NAMES
from udfs.registry import profiles

MINUTE_MS = 60_000
READINGS = "readings"
"""The cause of a candidate that is one reading; every other cause is a window, which arrives when it has closed."""
COLUMNS = CONTRACT.result("candidates").columns
SUBJECT_KINDS = CONTRACT.result("candidates").column("subject_kind").words
CANDIDATE_LEVELS = CONTRACT.alert_levels
EVIDENCE = tuple(column.name for column in COLUMNS
                 if column.type in ("score", "number", "whole") and column.name not in ("risk_score", "idx"))
"""Columns with the scores and measurements of the reading or window behind a candidate; null or absent if not measured."""
OF_READING = (*crossing.worst_columns(CONTRACT),)
"""Columns that the worst reading of a window fills."""
WHOLE = frozenset(column.name for column in COLUMNS if column.type == "whole")
SENSOR_FAULT = re.compile(r"\w+ -?\d+(\.\d+)?(e[+-]?\d{1,3})?", re.ASCII)
"""A field and a value, as the decoder writes them."""
LONGEST_LIMITS = 2_000
"""Bytes of a profile's limits as JSON text; those of a registry have about 400."""
LONGEST_READING = 4_000
"""Bytes of a window's worst reading as JSON text; one with limits has about 1,000."""
LONGEST_NAMES = SILENT_NAMES * (identifiers.LONGEST_BYTES + 1)
"""Bytes of the ids of a site's devices."""

Identity = tuple[int, int | None, str]
"""Event time of a candidate, epoch ms, its idx, which is None for a window, and its level."""


@dataclass(frozen=True)
class Minute:
    """The statement that a device, or a site, had readings in the minute that ends at `event_time` (epoch ms, exclusive)."""

    subject: str
    subject_kind: str
    event_time: int
    is_held: bool
    """Whether a maintenance window covers the subject at `event_time`."""
    held_until: int | None
    """When that maintenance window ends, epoch ms; None if the row does not say."""
    alert_type: str | None = None
    """The only alert type of which the minute speaks; None for all that quiet minutes end."""
    device_names: str | None = None
    """The devices of a site that report after a pause, one id a line; None in every minute of a device."""


@dataclass(frozen=True)
class Candidate:
    """A row that may open or raise an alert: a reading, or a window that ended at `event_time` (epoch ms)."""

    subject: str
    subject_kind: str
    event_time: int
    is_held: bool
    held_until: int | None
    site_id: str | None
    alert_type: str
    cause: str
    level: str
    risk_score: Number
    idx: int | None
    """The reading's sequence number; None for a window."""
    evidence: dict[str, Number | None]
    """The value of each column of `EVIDENCE`; None if not measured."""
    sensor_fault: str | None
    """The quantity of a faulty sensor, a space, and its value; None for another hazard."""
    last_seen: int | None
    """The event time of a silent device's last reading, epoch ms."""
    profile_version: str | None
    limits: str | None
    """The limits of the device's profile as JSON text; None for the default profile."""
    device_names: str | None = None
    """The devices of a site's candidate, one id a line."""

    @property
    def identity(self) -> Identity:
        """Event time, idx and level, which tell the candidate from the others of its subject and type."""
        return self.event_time, self.idx, self.level


def decode(message: bytes | None) -> dict[str, Any]:
    """Decodes the JSON object in a message.

    Raises:
        CandidateError: the message is empty, not JSON, or not an object.
    """
    if not message:
        raise CandidateError("candidate is empty; it must be a JSON object")
    try:
        row = json.loads(message)
    except (ValueError, RecursionError) as problem:
        raise CandidateError(f"candidate is not JSON: {problem}") from problem
    if not isinstance(row, dict):
        raise CandidateError(f"candidate must be a JSON object, not {fields.shown(row)}")
    return row


def read(row: Mapping[str, Any]) -> Minute | Candidate:
    """Reads a decoded row, which is a candidate or a minute.

    Raises:
        CandidateError: a field is missing or cannot be used.
    """
    if row.get("kind") == "MINUTE":
        return _minute(row)
    if row.get("kind") == "CANDIDATE":
        return _candidate(row)
    raise CandidateError(f"kind must be CANDIDATE or MINUTE, not {fields.shown(row.get('kind'))}")


def _minute(row: Mapping[str, Any]) -> Minute:
    end = fields.time(row)
    if end % MINUTE_MS:
        raise CandidateError(f"event_time of a MINUTE must end a whole minute, not be {fields.shown(row['event_time'])}")
    return Minute(fields.text(row, "subject"), fields.word(row, "subject_kind", SUBJECT_KINDS), end, fields.is_held(row),
                  fields.optional_time(row, "held_until"), fields.optional_text(row, "alert_type"), _names(row))


def _candidate(row: Mapping[str, Any]) -> Candidate:
    row = _completed(row)
    subject, cause, level = fields.text(row, "subject"), fields.text(row, "cause"), fields.word(row, "level", CANDIDATE_LEVELS)
    is_reading = cause == READINGS
    return Candidate(
        subject=subject,
        subject_kind=fields.word(row, "subject_kind", SUBJECT_KINDS),
        event_time=fields.time(row),
        is_held=fields.is_held(row),
        held_until=fields.optional_time(row, "held_until"),
        site_id=fields.optional_text(row, "site_id"),
        alert_type=fields.text(row, "alert_type"),
        cause=cause,
        level=level,
        risk_score=fields.required_number(row, "risk_score") if is_reading else _risk(row, level),
        idx=fields.whole(row, "idx") if is_reading else None,
        evidence={field: (fields.optional_whole if field in WHOLE else fields.number)(row, field) for field in EVIDENCE},
        sensor_fault=_sensor_fault(row),
        last_seen=fields.optional_time(row, "last_seen"),
        profile_version=fields.optional_text(row, "profile_version"),
        limits=_limits(row),
        device_names=_names(row),
    )


def _completed(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fills what a window does not have with the scores, measurements and limits of its worst reading."""
    if row.get("worst_reading") is None:
        return row
    text = fields.text(row, "worst_reading", LONGEST_READING)
    try:
        reading = decode(text.encode())
    except CandidateError as problem:
        raise CandidateError(f"worst_reading cannot be used: {problem}") from problem
    return {**row, **{name: reading.get(name) for name in OF_READING if row.get(name) is None}}


def _sensor_fault(row: Mapping[str, Any]) -> str | None:
    fault = fields.optional_text(row, "sensor_fault")
    if fault is None or SENSOR_FAULT.fullmatch(fault):
        return fault
    raise CandidateError(f"sensor_fault must be a name, a space and a number, not {fields.shown(fault)}")


def _names(row: Mapping[str, Any]) -> str | None:
    return None if row.get("device_names") is None else fields.text(row, "device_names", LONGEST_NAMES)


def _limits(row: Mapping[str, Any]) -> str | None:
    text = None if row.get("limits") is None else fields.text(row, "limits", LONGEST_LIMITS)
    try:
        profiles.read(text)
    except (ValueError, RecursionError) as problem:
        raise CandidateError(f"limits cannot be used: {problem}") from problem
    return text


def _risk(row: Mapping[str, Any], level: str) -> Number:
    risk = fields.number(row, "risk_score")
    return LEAST_RISK[level] if risk is None else risk
