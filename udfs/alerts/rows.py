"""Builds the rows of alerts for the topics: their state, their explanation and their texts."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from contract.declared import CONTRACT
from contract.model import SCHEMA_VERSION
from udfs.alerts import causes
from udfs.alerts.candidates import EVIDENCE, Candidate, Minute
from udfs.alerts.fields import Number
from udfs.alerts.maintenance import Step
from udfs.alerts.state import Alert
from udfs.readings.event_time import EPOCH
from udfs.readings.explanation import Contribution
from udfs.texts import alert_messages

SHOWN = tuple(column.name for column in CONTRACT.result("alerts").columns if column.name in EVIDENCE)
"""Columns of an alert with scores and measurements of its candidate."""
SENTENCE_DECIMALS = 3
"""Decimals of a value in a sentence."""


def transition(step: Step, row: Minute | Candidate) -> dict[str, Any]:
    """Builds the row of a transition; `row` is the candidate or minute that caused it, and names the subject."""
    step.alert.shown = shown(step.alert)
    return _row(step, row, step.transition)


def update(step: Step, row: Minute | Candidate) -> dict[str, Any]:
    """Builds the row of an open alert as it is now, without a transition; `row` names the subject."""
    step.alert.shown = shown(step.alert)
    return _row(step, row, None)


def shown(alert: Alert) -> tuple[int, int, Number]:
    """Returns the fields of an alert that change between its transitions: count, last candidate's time, peak risk."""
    return alert.candidate_count, alert.last_candidate, alert.peak_risk_score


def _row(step: Step, row: Minute | Candidate, transition: str | None) -> dict[str, Any]:
    alert = step.alert
    contributions = causes.explain(alert, step.alert_type)
    fields: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION, "alert_id": alert.alert_id, "transition": transition,
        "subject": row.subject, "subject_kind": row.subject_kind, "site_id": alert.site_id,
        "alert_type": step.alert_type, "cause": alert.cause, "level": alert.level, "peak_level": alert.level,
        "risk_score": alert.risk_score, "peak_risk_score": alert.peak_risk_score,
        "candidate_count": alert.candidate_count,
        "explanation": [_written(each, alert.evidence["devices"]) for each in contributions],
        **{name: alert.evidence[name] for name in SHOWN},
        "event_time": iso(step.at), "opened_at": iso(alert.opened_at), "last_candidate_at": iso(alert.last_candidate),
        "last_seen": None if alert.last_seen is None else iso(alert.last_seen),
        "device_names": alert.device_names, "was_held": alert.was_held, "profile_version": alert.profile_version,
    }  # fmt: skip
    own = causes.hazard_of(step.alert_type)
    further = dict.fromkeys(each.hazard for each in contributions if each.hazard not in (own, None))
    return fields | alert_messages.compose(fields, tuple(further))


def _written(each: Contribution, devices: Number | None) -> dict[str, Any]:
    return {"name": each.name, "value": _finite(each.value), "unit": each.unit, "limit": _finite(each.limit),
            "points": each.points, "text": sentence(each, devices)}


def sentence(each: Contribution, devices: Number | None = None) -> str:
    """Formats one contribution without words of a language: `sensor_temperature 72.0 °C > 65 °C: floor 0.8`."""
    value, limit = _finite(each.value), _finite(each.limit)
    compared = ""
    if value is not None and limit is not None:
        whole = f" of {devices}" if each.name in causes.OF_DEVICES and devices is not None else ""
        compared = (f" {_quantity(str(round(value, SENTENCE_DECIMALS)), each.unit)}{whole} {_sign(each.name, value, limit)} "
                    f"{_quantity(f'{limit:g}', each.unit)}")
    return f"{each.name}{compared}: {each.basis} {each.points:g}"


def _sign(name: str, value: Number, limit: Number) -> str:
    if value < limit:
        return "<"
    return "≥" if name in causes.REACHED or value == limit else ">"


def _quantity(number: str, unit: str) -> str:
    return f"{number} {unit}".rstrip()


def _finite(value: Number | None) -> Number | None:
    """Returns None for what JSON cannot hold: the product of two extreme measurements may be infinite."""
    return value if value is not None and math.isfinite(value) else None


def iso(milliseconds: int) -> str:
    """Formats epoch milliseconds as every topic writes a time."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
