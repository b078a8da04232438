"""The life cycle of alerts (semantics, "The life of an alert"): a pure state machine per subject, without clock or Flink.

One alert per subject and type: OPENED by the first candidate, ESCALATED when the level rises, REMINDED every 15 minutes while
it lasts, four times and then daily, CLEARED once five minutes with readings in a row contain no candidate of that type. A silent
subject is not cleared: no data is not an all-clear. The level of an open alert never falls, and no transition waits.
`udfs.alerts.maintenance` decides what maintenance windows withhold.

What is quiet is judged in the order in which rows arrive, whatever their times: a candidate counts however old it is, and only
minutes that arrive after it can clear its alert. A minute that had ended before the candidate tells nothing about what came after
it: after an outage, candidates of readings overtake the minutes that still have to be closed.

Time comes from the rows. A silent subject has none, so a timer makes its reminders and ends its maintenance window: `due` says
when the next transition is due without a further row, and `wake` returns it.

DEVICE_SILENT ends with the first minute in which the device reports again, not after five: its return is the all-clear.
SITE_SILENT ends with the first minute of one of the devices that fell silent, which is a row that speaks of this alert type only.

Any part of the stream may be delivered again and changes nothing: the last 256 minutes of a subject, and the last 256 candidates
of each of its alert types, are recognised by their identity.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from contract.declared import CONTRACT
from udfs.alerts import maintenance
from udfs.alerts import rows as alert_rows
from udfs.alerts.candidates import MINUTE_MS, READINGS, Candidate, Minute, read
from udfs.alerts.maintenance import Step
from udfs.alerts.state import FREQUENT_REMINDERS, Alert, State
from udfs.readings.event_time import LATEST_MS
from udfs.readings.scoring import LEVELS
from udfs.readings.thresholds import SILENCE_MINUTES

QUIET_MINUTES = 5
SILENCE_MS = SILENCE_MINUTES * MINUTE_MS
"""A longer pause between two quiet minutes breaks their row: the device was silent."""
REMINDER_MS = 15 * MINUTE_MS
DAY_MS = 24 * 60 * MINUTE_MS
AT_ONCE = frozenset(each.name for each in CONTRACT.alert_types if each.causes == (READINGS,))
"""The alert types that only readings raise, which arrive at once; windows arrive when they have closed."""
ID_LENGTH = 16
SILENT, SITE_SILENT = "DEVICE_SILENT", "SITE_SILENT"


def advance(state: State, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Adds one row of `candidates` to the state of its subject and returns the alert rows that it causes, in order.

    An alert row is a transition or, with `transition` null, an update of an open alert for the store.

    Raises:
        CandidateError: the row cannot be used; the state is unchanged.
    """
    seen = _of_subject(state, read(row))
    state.forget_if_stale(seen.event_time)
    is_new = _is_new(state, seen)
    steps = _steps(state, seen) if is_new else []
    state.newest = max(state.newest, seen.event_time)
    steps += _remind(state)
    rows = [alert_rows.transition(step, seen) for step in maintenance.publish(state, seen, steps, is_new)]
    return rows + (list(_updates(state, seen)) if is_new and isinstance(seen, Minute) and not seen.alert_type else [])


def _is_new(state: State, seen: Minute | Candidate) -> bool:
    """Remembers a row by its identity; returns whether it was not among the remembered ones."""
    if isinstance(seen, Minute):
        return bool(seen.alert_type) or state.remember_minute(seen.event_time)
    return state.remember_candidate(seen.alert_type, seen.identity)


def _steps(state: State, seen: Minute | Candidate) -> list[Step]:
    if isinstance(seen, Minute):
        return _return_of_site(state, seen) if seen.alert_type else _clear(state, seen.event_time)
    return _take(state, seen) + _return(state, seen)


def _of_subject(state: State, seen: Minute | Candidate) -> Minute | Candidate:
    """Gives a minute about one alert type the maintenance window of its subject, of which its own device says nothing."""
    if isinstance(seen, Candidate) or not seen.alert_type:
        return seen
    return replace(seen, is_held=seen.event_time < state.held_until, held_until=state.held_until or None)


def due(state: State) -> int | None:
    """Returns the event time, epoch ms, at which a transition is due without a further row; None if none is."""
    times = [alert.reminded_from + _reminder_after(alert.reminded + 1) for alert in state.alerts.values() if alert.told_level]
    times = [at for at in times if at <= LATEST_MS]
    return min([*times, state.held_until] if state.withholds and state.held_until else times, default=None)


def wake(state: State, subject: str, subject_kind: str, now: int) -> list[dict[str, Any]]:
    """Returns the alert rows that are due by `now` (event time, epoch ms) for a subject that sent no row, in order."""
    rows = []
    if state.withholds and state.held_until and state.held_until <= now:
        at = max(state.held_until, state.held_through + 1)
        end = Minute(subject, subject_kind, at, is_held=False, held_until=None)
        rows += [alert_rows.transition(step, end) for step in maintenance.publish(state, end, [])]
    for step in _remind(state, now):
        is_held = step.at < state.held_until
        row = Minute(subject, subject_kind, step.at, is_held, state.held_until if is_held else None)
        rows += [alert_rows.transition(published, row) for published in maintenance.publish(state, row, [step])]
    return rows


def alert_id(candidate: Candidate) -> str:
    """Returns the id of the alert that this candidate opens: the same for the same subject, type, event time and idx."""
    opening = [candidate.subject, candidate.alert_type, candidate.event_time, candidate.idx]
    return hashlib.sha256(json.dumps(opening).encode()).hexdigest()[:ID_LENGTH]


def _take(state: State, candidate: Candidate) -> list[Step]:
    """Opens the alert of the candidate's type, or counts the candidate and raises the alert's level."""
    alert_type = candidate.alert_type
    ended = _clear_before(state, candidate)
    alert = state.alerts.get(alert_type)
    if alert is None:
        alert = state.alerts[alert_type] = _open(candidate, max(state.newest, candidate.event_time))
        return [*ended, Step("OPENED", candidate.event_time, alert_type, alert)]
    _count(alert, candidate)
    if LEVELS.index(candidate.level) <= LEVELS.index(alert.level):
        return ended
    _escalate(alert, candidate)
    return [*ended, Step("ESCALATED", candidate.event_time, alert_type, alert)]


def _open(candidate: Candidate, newest: int) -> Alert:
    return Alert(alert_id(candidate), candidate.site_id, candidate.cause, candidate.level, opened_at=candidate.event_time,
                 last_candidate=candidate.event_time, last_taken=candidate.event_time, candidate_count=1,
                 risk_score=candidate.risk_score, peak_risk_score=candidate.risk_score, evidence=candidate.evidence,
                 last_seen=candidate.last_seen, profile_version=candidate.profile_version, limits=candidate.limits,
                 reminded_from=newest, sensor_fault=candidate.sensor_fault, device_names=candidate.device_names)


def _count(alert: Alert, candidate: Candidate) -> None:
    alert.site_id = candidate.site_id or alert.site_id
    alert.peak_risk_score = max(alert.peak_risk_score, candidate.risk_score)
    alert.last_candidate, alert.last_taken = max(alert.last_candidate, candidate.event_time), candidate.event_time
    alert.candidate_count += 1
    alert.device_names = candidate.device_names or alert.device_names
    alert.quiet = []


def _escalate(alert: Alert, candidate: Candidate) -> None:
    alert.level, alert.risk_score, alert.evidence = candidate.level, candidate.risk_score, candidate.evidence
    alert.cause, alert.profile_version, alert.limits = candidate.cause, candidate.profile_version, candidate.limits


def _clear_before(state: State, candidate: Candidate) -> list[Step]:
    """Closes the alert of the candidate's type if it had been quiet for long enough before the candidate."""
    alert = state.alerts.get(candidate.alert_type)
    if alert is None or len(alert.quiet) < QUIET_MINUTES or candidate.event_time <= alert.quiet[-1]:
        return []
    return [_close(state, candidate.alert_type, alert.quiet[-1])]


def _clear(state: State, end: int) -> list[Step]:
    """Counts a minute that arrived, and closes every alert that has been quiet for long enough, the earliest first."""
    ends = ((_end(state, alert_type, alert, end), alert_type) for alert_type, alert in state.alerts.items())
    return [_close(state, alert_type, at) for at, alert_type in sorted((at, kind) for at, kind in ends if at is not None)]


def _return(state: State, candidate: Candidate) -> list[Step]:
    """Closes the alert of a silence at once if its end, the first minute after it, has overtaken it."""
    back = min((end for end in state.minutes if end > candidate.event_time), default=None)
    return [_close(state, SILENT, back)] if candidate.alert_type == SILENT and back is not None else []


def _return_of_site(state: State, minute: Minute) -> list[Step]:
    """Closes the alert of a silent site if the minute names a device that fell silent with it."""
    alert = state.alerts.get(minute.alert_type or "")
    if minute.alert_type != SITE_SILENT or alert is None or minute.event_time <= alert.last_taken:
        return []
    silent, returned = ((row.device_names or "").split("\n") for row in (alert, minute))
    return [] if set(silent).isdisjoint(returned) else [_close(state, SITE_SILENT, minute.event_time)]


def _end(state: State, alert_type: str, alert: Alert, end: int) -> int | None:
    """Counts a minute that ends at `end` for one alert; returns the end of the minute that clears it, or None.

    A candidate of a window arrives together with its minute, before or after it. So the fifth minute without one clears an alert
    of windows only when another minute arrives.
    """
    if alert_type == SITE_SILENT:
        return None
    if alert_type == SILENT:
        return end if end > alert.last_taken else None
    if len(alert.quiet) == QUIET_MINUTES:
        return alert.quiet[-1]
    if end > alert.last_taken:
        _count_quiet(alert, end, has_candidate=state.has_candidate(alert_type, end))
    return end if len(alert.quiet) == QUIET_MINUTES and alert_type in AT_ONCE else None


def _count_quiet(alert: Alert, end: int, *, has_candidate: bool) -> None:
    was_silent = bool(alert.quiet) and end - MINUTE_MS - alert.quiet[-1] > SILENCE_MS
    alert.quiet = [] if has_candidate else [end] if was_silent else [*alert.quiet, end]


def _close(state: State, alert_type: str, end: int) -> Step:
    return Step("CLEARED", end, alert_type, state.alerts.pop(alert_type))


def _remind(state: State, woken: int | None = None) -> list[Step]:
    """Returns the latest reminder that is due for each published alert; earlier ones that were missed are skipped.

    Reminders of an alert that is not published yet are skipped too, also if it opens late. A row of a silent device shows that
    it has returned; only a timer, at `woken`, causes a reminder of its silence.
    """
    steps = []
    for alert_type, alert in sorted(state.alerts.items()):
        now = (alert.last_candidate if alert_type in (SILENT, SITE_SILENT) else state.newest) if woken is None else woken
        due_by_now = _reminders(now - alert.reminded_from)
        if due_by_now > alert.reminded:
            alert.reminded = due_by_now
            at = alert.reminded_from + _reminder_after(due_by_now)
            steps += [Step("REMINDED", at, alert_type, alert)] if alert.told_level else []
    return steps


def _reminder_after(number: int) -> int:
    """Returns how long after `reminded_from` the reminder with a number, from 1 on, is due, ms."""
    return min(number, FREQUENT_REMINDERS) * REMINDER_MS + max(number - FREQUENT_REMINDERS, 0) * DAY_MS


def _reminders(elapsed: int) -> int:
    """Returns how many reminders are due when `elapsed` ms have passed."""
    days = (elapsed - FREQUENT_REMINDERS * REMINDER_MS) // DAY_MS
    return max(0, min(elapsed // REMINDER_MS, FREQUENT_REMINDERS)) + max(0, days)


def _updates(state: State, minute: Minute | Candidate) -> Iterator[dict[str, Any]]:
    """Yields a row for each published alert that has changed since its last row."""
    for alert_type, alert in sorted(state.alerts.items()):
        if alert.told_level and alert.shown != alert_rows.shown(alert):
            yield alert_rows.update(Step("", minute.event_time, alert_type, alert), minute)
