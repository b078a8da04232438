"""The life of an alert: a pure state machine per subject, without a clock of its own and without Flink.

One alert per (subject, type): OPENED by the first candidate, ESCALATED when the level rises, REMINDED every 15 minutes while
it lasts, CLEARED once five minutes with readings in a row hold no candidate of that type. A subject that has gone silent is not
cleared: no data is not an all-clear. Levels are never lowered while an alert lasts, and nothing waits. What maintenance windows
keep back is decided in `udfs.alerts.maintenance`.

Time comes from the rows. A silent subject has none, so its reminders and the end of its maintenance come from a timer: `due`
says when something is to be told without a further row, and `wake` tells it. Reminders of the silent end after a day.

DEVICE_SILENT ends with the first minute that the device reports again, not after five: its return is the all-clear.

The same candidates delivered again, any part of the stream, change nothing: what lies at or before the last candidate of
an alert that was cleared is settled, what an open alert already knows is neither counted nor announced. A late reading
from the quiet minutes that led to CLEARED is no repetition, and opens an alert of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from udfs.alerts import maintenance
from udfs.alerts import rows as alert_rows
from udfs.alerts.candidates import MINUTE_MS, Candidate, Minute, read
from udfs.alerts.maintenance import Step
from udfs.alerts.state import FORGOTTEN_AFTER_MS, Alert, State
from udfs.readings.scoring import LEVELS, SILENCE_MINUTES

QUIET_MINUTES = 5
SILENCE_MS = SILENCE_MINUTES * MINUTE_MS
"""Quiet minutes with a longer pause between them do not stand in a row: the device was silent."""
REMINDER_MS = 15 * MINUTE_MS
REMINDED_MS = FORGOTTEN_AFTER_MS
"""How long after its last row a silent subject is still reminded of; who was told 96 times knows."""
ID_LENGTH = 16
SILENT = "DEVICE_SILENT"


def advance(state: State, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Takes one candidate row of the state's subject into the state and returns the alert rows it causes, in order.

    A row is a transition, or, with `transition` null, an update of an open alert for those who store it.

    Raises:
        CandidateError: the row cannot be used; the state is as it was.
    """
    seen = read(row)
    state.forget_if_stale(seen.event_time)
    is_update_due = isinstance(seen, Minute) and state.remember_minute(seen.event_time)
    steps = (_take(state, seen) if isinstance(seen, Candidate) else []) + _clear(state)
    state.newest = max(state.newest, seen.event_time)
    steps += _remind(state)
    rows = [alert_rows.transition(step, seen) for step in maintenance.tell(state, seen, steps)]
    return rows + (list(_updates(state, seen)) if is_update_due else [])


def due(state: State) -> int | None:
    """The event time, epoch ms, at which something is to be told though no further row comes; None where nothing is."""
    reminders = [alert.opened_at + (alert.reminded + 1) * REMINDER_MS for alert in state.alerts.values() if alert.told_level]
    times = [at for at in reminders if at <= state.newest + REMINDED_MS]
    return min([*times, state.held_until] if state.keeps and state.held_until else times, default=None)


def wake(state: State, subject: str, subject_kind: str, now: int) -> list[dict[str, Any]]:
    """What has become due by `now` (event time, epoch ms) of a subject that sent no row: the alert rows, in order."""
    rows = []
    if state.keeps and state.held_until and state.held_until <= now:
        at = max(state.held_until, state.held_through + 1)
        end = Minute(subject, subject_kind, at, is_held=False, held_until=None)
        rows += [alert_rows.transition(step, end) for step in maintenance.tell(state, end, [])]
    for step in _remind(state, min(now, state.newest + REMINDED_MS)):
        is_held = step.at < state.held_until
        row = Minute(subject, subject_kind, step.at, is_held, state.held_until if is_held else None)
        rows += [alert_rows.transition(told, row) for told in maintenance.tell(state, row, [step])]
    return rows


def alert_id(candidate: Candidate) -> str:
    """The id of the alert that this candidate opens: the same for the same subject, type, event time and idx."""
    opening = [candidate.subject, candidate.alert_type, candidate.event_time, candidate.idx]
    return hashlib.sha256(json.dumps(opening).encode()).hexdigest()[:ID_LENGTH]


def _take(state: State, candidate: Candidate) -> list[Step]:
    kind = candidate.alert_type
    if state.is_settled_by(kind, candidate.place):
        return []
    ended = _clear_before(state, candidate)
    alert = state.alerts.get(kind)
    if alert is None:
        alert = state.alerts[kind] = _open(candidate)
        return [*ended, Step("OPENED", candidate.event_time, kind, alert)]
    _count(alert, candidate)
    if LEVELS.index(candidate.level) <= LEVELS.index(alert.level):
        return ended
    alert.level, alert.risk_score, alert.evidence = candidate.level, candidate.risk_score, candidate.evidence
    alert.cause, alert.profile_version = candidate.cause, candidate.profile_version
    alert.limits = candidate.limits
    return [*ended, Step("ESCALATED", candidate.event_time, kind, alert)]


def _open(candidate: Candidate) -> Alert:
    return Alert(alert_id(candidate), candidate.site_id, candidate.cause, candidate.level, opened_at=candidate.event_time,
                 last_candidate=candidate.place, candidate_count=1, risk_score=candidate.risk_score,
                 peak_risk_score=candidate.risk_score, evidence=candidate.evidence, last_seen=candidate.last_seen,
                 profile_version=candidate.profile_version, limits=candidate.limits)


def _count(alert: Alert, candidate: Candidate) -> None:
    alert.site_id = candidate.site_id or alert.site_id
    alert.peak_risk_score = max(alert.peak_risk_score, candidate.risk_score)
    if candidate.place > alert.last_candidate:
        alert.last_candidate = candidate.place
        alert.candidate_count += 1


def _clear(state: State) -> list[Step]:
    """Closes every alert that has stood quiet for long enough, the earliest first."""
    ends = ((_end(state.minutes, kind, alert), kind) for kind, alert in state.alerts.items())
    due = sorted((end, kind) for end, kind in ends if end is not None and _is_final(state, kind, end))
    return [_close(state, kind, end) for end, kind in due]


def _is_final(state: State, kind: str, end: int) -> bool:
    """Whether no candidate from before `end` is still on its way: a window's comes together with its minute."""
    return kind == SILENT or state.alerts[kind].is_of_readings or state.minutes[-1] > end


def _clear_before(state: State, candidate: Candidate) -> list[Step]:
    """Closes the alert of the candidate's type where it had stood quiet for long enough before the candidate."""
    if candidate.alert_type not in state.alerts:
        return []
    end = _end(state.minutes, candidate.alert_type, state.alerts[candidate.alert_type])
    return [_close(state, candidate.alert_type, end)] if end is not None and candidate.event_time > end else []


def _close(state: State, kind: str, end: int) -> Step:
    alert = state.alerts.pop(kind)
    state.settled[kind] = alert.last_candidate
    return Step("CLEARED", end, kind, alert)


def _end(minutes: Iterable[int], kind: str, alert: Alert) -> int | None:
    """The end of the minute that clears the alert, None until there is one."""
    last = alert.last_candidate[0]
    if kind == SILENT:
        return next((end for end in minutes if end > last), None)
    return _quiet_end(minutes, _first_quiet_start(last, alert.is_of_readings))


def _first_quiet_start(last: int, is_reading: bool) -> int:
    """The start of the minute after that of the last candidate; a window that ends with a minute speaks of that minute."""
    return ((last if is_reading else last - 1) // MINUTE_MS + 1) * MINUTE_MS


def _quiet_end(minutes: Iterable[int], first_start: int) -> int | None:
    """The end of the fifth minute in a row from `first_start` on, None until there is one."""
    row, previous = 0, None
    for end in minutes:
        if end - MINUTE_MS < first_start:
            continue
        row = row + 1 if previous is not None and end - MINUTE_MS - previous <= SILENCE_MS else 1
        previous = end
        if row == QUIET_MINUTES:
            return end
    return None


def _remind(state: State, woken: int | None = None) -> list[Step]:
    """The newest step of 15 minutes that is over, of each alert that people know; older ones are not made up for.

    An alert that people do not know yet passes its steps in silence, also one that opens behind time. A row of a device that
    was silent announces its return; only a timer, at `woken`, says that it still is.
    """
    steps = []
    for kind, alert in sorted(state.alerts.items()):
        now = (alert.last_candidate[0] if kind == SILENT else state.newest) if woken is None else woken
        over = (now - alert.opened_at) // REMINDER_MS
        if over > alert.reminded:
            alert.reminded = over
            steps += [Step("REMINDED", alert.opened_at + over * REMINDER_MS, kind, alert)] if alert.told_level else []
    return steps


def _updates(state: State, minute: Minute | Candidate) -> Iterator[dict[str, Any]]:
    """A row for each alert that people know and whose last row no longer says how it is."""
    for kind, alert in sorted(state.alerts.items()):
        if alert.told_level and alert.shown != alert_rows.shown(alert):
            yield alert_rows.update(Step("", minute.event_time, kind, alert), minute)
