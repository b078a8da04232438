"""The life of an alert: a pure state machine per subject, without a clock and without Flink.

One alert per (subject, type): OPENED by the first candidate, ESCALATED when the level rises, CLEARED once five minutes
with readings in a row hold no candidate of that type. Time comes from the candidates alone, so a subject that has gone
silent is never cleared: no data is not an all-clear. Levels are never lowered while an alert lasts, and nothing waits.

The same candidates delivered again, any part of the stream, change nothing: what lies at or before the last candidate of
an alert that was cleared is settled, what an open alert already knows is neither counted nor announced. A late reading
from the quiet minutes that led to CLEARED is no repetition, and opens an alert of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from udfs import messages
from udfs.candidates import MINUTE_MS, Minute, Number, Reading, read
from udfs.explanation import explain
from udfs.scoring import LEVELS

SCHEMA_VERSION = 1
"""Of the alert rows."""
STATE_VERSION = 1
QUIET_MINUTES = 5
SILENCE_MS = 5 * MINUTE_MS
"""Quiet minutes with a longer pause between them do not stand in a row: the device was silent."""
REMEMBERED_MINUTES = 10
LARGEST_CONTRIBUTIONS = 3
ID_LENGTH = 16
SHOWN_SCORES = ("base_risk", "floor_risk", "rule_risk", "status_risk", "pattern_risk", "confidence")
SHOWN_MEASUREMENTS = ("max_temperature", "voltage", "current", "leakage_current", "resistive_leakage", "arc_count",
                      "co_gas", "voc", "status_bits")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class StateError(ValueError):
    """Stored state was written in a form that this version does not read."""


@dataclass
class Alert:
    """An alert that is open; times in epoch ms."""

    alert_id: str
    site_id: str | None
    level: str
    opened_at: int
    last_candidate: tuple[int, int]
    """Event time and idx of the latest candidate."""
    candidate_count: int
    """Candidates in (event time, idx) order; one that arrives behind a later one is not counted, so never twice."""
    risk_score: Number
    peak_risk_score: Number
    evidence: dict[str, Number | None]
    """Scores and measurements of the candidate that opened the alert or last raised its level."""


@dataclass
class State:
    """What is remembered of one subject; small, and the same after `State.loads(state.dumps())`."""

    minutes: list[int] = field(default_factory=list)
    """Ends of the latest minutes with readings, oldest first."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    settled: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Per type, event time and idx of the last candidate of its last alert that was cleared."""

    def dumps(self) -> str:
        """The state as JSON text."""
        return json.dumps({"version": STATE_VERSION} | asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> State:
        """The state in `text`; None is a subject never seen.

        Raises:
            StateError: another version wrote it.
        """
        if text is None:
            return cls()
        stored = json.loads(text)
        if stored["version"] != STATE_VERSION:
            raise StateError(f"alert state has version {stored['version']}, this code reads {STATE_VERSION}; "
                             "start the alert job without its old state, or with the version that wrote it")
        alerts = {kind: Alert(**alert | {"last_candidate": tuple(alert["last_candidate"])})
                  for kind, alert in stored["alerts"].items()}
        return cls(stored["minutes"], alerts, {kind: tuple(last) for kind, last in stored["settled"].items()})


def advance(state: State, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Takes one candidate row of the state's subject into the state and returns the transitions it causes, in order.

    Raises:
        CandidateError: the row cannot be used; the state is as it was.
    """
    candidate = read(row)
    if isinstance(candidate, Minute):
        _remember(state, candidate.end)
        opened: list[dict[str, Any]] = []
    else:
        opened = _take(state, candidate)
    return opened + _clear(state, candidate.subject)


def alert_id(candidate: Reading) -> str:
    """The id of the alert that this candidate opens: the same for the same subject, type, event time and idx."""
    opening = [candidate.subject, candidate.alert_type, candidate.event_time, candidate.idx]
    return hashlib.sha256(json.dumps(opening).encode()).hexdigest()[:ID_LENGTH]


def _remember(state: State, end: int) -> None:
    if end not in state.minutes:
        insort(state.minutes, end)
        del state.minutes[:-REMEMBERED_MINUTES]


def _take(state: State, candidate: Reading) -> list[dict[str, Any]]:
    settled = state.settled.get(candidate.alert_type)
    if settled is not None and (candidate.event_time, candidate.idx) <= settled:
        return []
    alert = state.alerts.get(candidate.alert_type)
    if alert is None:
        alert = state.alerts[candidate.alert_type] = _open(candidate)
        return [_transition("OPENED", candidate.event_time, candidate.subject, candidate.alert_type, alert)]
    _count(alert, candidate)
    if LEVELS.index(candidate.level) <= LEVELS.index(alert.level):
        return []
    alert.level, alert.risk_score, alert.evidence = candidate.level, candidate.risk_score, candidate.evidence
    return [_transition("ESCALATED", candidate.event_time, candidate.subject, candidate.alert_type, alert)]


def _open(candidate: Reading) -> Alert:
    return Alert(alert_id(candidate), candidate.site_id, candidate.level, opened_at=candidate.event_time,
                 last_candidate=(candidate.event_time, candidate.idx), candidate_count=1,
                 risk_score=candidate.risk_score, peak_risk_score=candidate.risk_score, evidence=candidate.evidence)


def _count(alert: Alert, candidate: Reading) -> None:
    alert.site_id = candidate.site_id or alert.site_id
    alert.peak_risk_score = max(alert.peak_risk_score, candidate.risk_score)
    if (candidate.event_time, candidate.idx) > alert.last_candidate:
        alert.last_candidate = (candidate.event_time, candidate.idx)
        alert.candidate_count += 1


def _clear(state: State, subject: str) -> list[dict[str, Any]]:
    """Closes every alert that has stood quiet for long enough, the earliest first."""
    ends = {kind: _quiet_end(state.minutes, alert.last_candidate[0]) for kind, alert in state.alerts.items()}
    cleared = sorted((end, kind) for kind, end in ends.items() if end is not None)
    state.settled |= {kind: state.alerts[kind].last_candidate for _, kind in cleared}
    return [_transition("CLEARED", end, subject, kind, state.alerts.pop(kind)) for end, kind in cleared]


def _quiet_end(minutes: Iterable[int], last_candidate: int) -> int | None:
    """The end of the fifth quiet minute in a row after the minute of `last_candidate`, None until there is one."""
    first_quiet_start = (last_candidate // MINUTE_MS + 1) * MINUTE_MS
    row, previous = 0, None
    for end in minutes:
        if end - MINUTE_MS < first_quiet_start:
            continue
        row = row + 1 if previous is not None and end - MINUTE_MS - previous <= SILENCE_MS else 1
        previous = end
        if row == QUIET_MINUTES:
            return end
    return None


def _transition(transition: str, at: int, subject: str, alert_type: str, alert: Alert) -> dict[str, Any]:
    """The alert's row, as it goes to the topic."""
    row: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION, "alert_id": alert.alert_id, "transition": transition,
        "subject": subject, "site_id": alert.site_id, "alert_type": alert_type,
        "level": alert.level, "peak_level": alert.level,
        "risk_score": alert.risk_score, "peak_risk_score": alert.peak_risk_score,
        "candidate_count": alert.candidate_count,
        **{name: alert.evidence[name] for name in SHOWN_SCORES}, "explanation": _explanation(alert.evidence),
        **{name: alert.evidence[name] for name in SHOWN_MEASUREMENTS},
        "event_time": _iso(at), "opened_at": _iso(alert.opened_at), "last_candidate_at": _iso(alert.last_candidate[0]),
    }  # fmt: skip
    return row | messages.compose(row)


def _explanation(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": each.name, "value": _finite(each.value), "unit": each.unit, "limit": _finite(each.limit),
             "points": each.points} for each in explain(evidence)[:LARGEST_CONTRIBUTIONS]]


def _finite(value: Number | None) -> Number | None:
    """None for what JSON cannot hold: the product of two absurd measurements may be infinite."""
    return value if value is not None and math.isfinite(value) else None


def _iso(milliseconds: int) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
