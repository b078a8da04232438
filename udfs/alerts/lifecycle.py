"""The life cycle of alerts (semantics, "The life of an alert"): a pure state machine per subject, without clock or Flink.

One alert per subject and type: OPENED by the first candidate, ESCALATED when the level rises, REMINDED every 15 minutes while
it lasts, CLEARED once five minutes with readings in a row contain no candidate of that type. A silent subject is not cleared: no
data is not an all-clear. The level of an open alert never falls, and no transition waits. `udfs.alerts.maintenance` decides what
maintenance windows withhold.

Time comes from the rows. A silent subject has none, so a timer makes its reminders and ends its maintenance window: `due` says
when the next transition is due without a further row, and `wake` returns it. Reminders of a silent subject stop after a day.

DEVICE_SILENT ends with the first minute in which the device reports again, not after five: its return is the all-clear.
SITE_SILENT ends with the first minute of one of the devices that fell silent, which is a row that speaks of this alert type only.

Any part of the stream may be delivered again and changes nothing: candidates up to the last one of a cleared alert are settled,
and those that an open alert has counted are neither counted nor published again. A late reading from the quiet minutes that led
to CLEARED is not a repetition; it opens an alert of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from udfs.alerts import maintenance
from udfs.alerts import rows as alert_rows
from udfs.alerts.candidates import MINUTE_MS, Candidate, Minute, read
from udfs.alerts.maintenance import Step
from udfs.alerts.state import FORGOTTEN_AFTER_MS, Alert, State
from udfs.readings.scoring import LEVELS
from udfs.readings.thresholds import SILENCE_MINUTES

QUIET_MINUTES = 5
SILENCE_MS = SILENCE_MINUTES * MINUTE_MS
"""A longer pause between two quiet minutes breaks their row: the device was silent."""
REMINDER_MS = 15 * MINUTE_MS
REMINDED_MS = FORGOTTEN_AFTER_MS
"""How long after its last row a silent subject causes reminders: 96 of them are enough."""
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
    is_update_due = isinstance(seen, Minute) and not seen.alert_type and state.remember_minute(seen.event_time)
    steps = (_take(state, seen) if isinstance(seen, Candidate) else _return(state, seen)) + _clear(state)
    state.newest = max(state.newest, seen.event_time)
    steps += _remind(state)
    rows = [alert_rows.transition(step, seen) for step in maintenance.publish(state, seen, steps)]
    return rows + (list(_updates(state, seen)) if is_update_due else [])


def due(state: State) -> int | None:
    """Returns the event time, epoch ms, at which a transition is due without a further row; None if none is."""
    reminders = [alert.opened_at + (alert.reminded + 1) * REMINDER_MS for alert in state.alerts.values() if alert.told_level]
    times = [at for at in reminders if at <= state.newest + REMINDED_MS]
    return min([*times, state.held_until] if state.withholds and state.held_until else times, default=None)


def wake(state: State, subject: str, subject_kind: str, now: int) -> list[dict[str, Any]]:
    """Returns the alert rows that are due by `now` (event time, epoch ms) for a subject that sent no row, in order."""
    rows = []
    if state.withholds and state.held_until and state.held_until <= now:
        at = max(state.held_until, state.held_through + 1)
        end = Minute(subject, subject_kind, at, is_held=False, held_until=None)
        rows += [alert_rows.transition(step, end) for step in maintenance.publish(state, end, [])]
    for step in _remind(state, min(now, state.newest + REMINDED_MS)):
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
    if state.is_settled(alert_type, candidate.position):
        return []
    ended = _clear_before(state, candidate)
    alert = state.alerts.get(alert_type)
    if alert is None:
        alert = state.alerts[alert_type] = _open(candidate)
        return [*ended, Step("OPENED", candidate.event_time, alert_type, alert)]
    _count(alert, candidate)
    if LEVELS.index(candidate.level) <= LEVELS.index(alert.level):
        return ended
    _escalate(alert, candidate)
    return [*ended, Step("ESCALATED", candidate.event_time, alert_type, alert)]


def _of_subject(state: State, seen: Minute | Candidate) -> Minute | Candidate:
    """Gives a minute about one alert type the maintenance window of its subject, of which its own device says nothing."""
    if isinstance(seen, Candidate) or not seen.alert_type:
        return seen
    return replace(seen, is_held=seen.event_time < state.held_until, held_until=state.held_until or None)


def _return(state: State, minute: Minute) -> list[Step]:
    """Closes the alert of a silent site if the minute names a device that fell silent with it."""
    alert = state.alerts.get(minute.alert_type or "")
    if minute.alert_type != SITE_SILENT or alert is None or minute.event_time <= alert.last_candidate[0]:
        return []
    silent, returned = ((row.device_names or "").split("\n") for row in (alert, minute))
    return [] if set(silent).isdisjoint(returned) else [_close(state, SITE_SILENT, minute.event_time)]


def _open(candidate: Candidate) -> Alert:
    return Alert(alert_id(candidate), candidate.site_id, candidate.cause, candidate.level, opened_at=candidate.event_time,
                 last_candidate=candidate.position, candidate_count=1, risk_score=candidate.risk_score,
                 peak_risk_score=candidate.risk_score, evidence=candidate.evidence, last_seen=candidate.last_seen,
                 profile_version=candidate.profile_version, limits=candidate.limits, device_names=candidate.device_names)


def _count(alert: Alert, candidate: Candidate) -> None:
    alert.site_id = candidate.site_id or alert.site_id
    alert.peak_risk_score = max(alert.peak_risk_score, candidate.risk_score)
    if candidate.position > alert.last_candidate:
        alert.last_candidate = candidate.position
        alert.candidate_count += 1
        alert.device_names = candidate.device_names or alert.device_names


def _escalate(alert: Alert, candidate: Candidate) -> None:
    alert.level, alert.risk_score, alert.evidence = candidate.level, candidate.risk_score, candidate.evidence
    alert.cause, alert.profile_version, alert.limits = candidate.cause, candidate.profile_version, candidate.limits


def _clear(state: State) -> list[Step]:
    """Closes every alert that has been quiet for long enough, the earliest first."""
    ends = ((_end(state.minutes, alert_type, alert), alert_type) for alert_type, alert in state.alerts.items())
    quiet = sorted((end, alert_type) for end, alert_type in ends if end is not None and _is_final(state, alert_type, end))
    return [_close(state, alert_type, end) for end, alert_type in quiet]


def _is_final(state: State, alert_type: str, end: int) -> bool:
    """Checks that no candidate from before `end` is still on its way: that of a window arrives together with its minute."""
    return alert_type == SILENT or state.alerts[alert_type].is_of_readings or state.minutes[-1] > end


def _clear_before(state: State, candidate: Candidate) -> list[Step]:
    """Closes the alert of the candidate's type if it had been quiet for long enough before the candidate."""
    if candidate.alert_type not in state.alerts:
        return []
    end = _end(state.minutes, candidate.alert_type, state.alerts[candidate.alert_type])
    return [_close(state, candidate.alert_type, end)] if end is not None and candidate.event_time > end else []


def _close(state: State, alert_type: str, end: int) -> Step:
    alert = state.alerts.pop(alert_type)
    state.settled[alert_type] = alert.last_candidate
    return Step("CLEARED", end, alert_type, alert)


def _end(minutes: Iterable[int], alert_type: str, alert: Alert) -> int | None:
    """Returns the end of the minute that clears the alert, or None as long as no minute does."""
    last = alert.last_candidate[0]
    if alert_type == SITE_SILENT:
        return None
    if alert_type == SILENT:
        return next((end for end in minutes if end > last), None)
    return _quiet_end(minutes, _first_quiet_start(last, alert.is_of_readings))


def _first_quiet_start(last: int, is_reading: bool) -> int:
    """Returns the start of the minute after the last candidate's; a window belongs to the minute with which it ends."""
    return ((last if is_reading else last - 1) // MINUTE_MS + 1) * MINUTE_MS


def _quiet_end(minutes: Iterable[int], first_start: int) -> int | None:
    """Returns the end of the fifth minute in a row from `first_start` on, or None if there are fewer."""
    count, previous = 0, None
    for end in minutes:
        if end - MINUTE_MS < first_start:
            continue
        count = count + 1 if previous is not None and end - MINUTE_MS - previous <= SILENCE_MS else 1
        previous = end
        if count == QUIET_MINUTES:
            return end
    return None


def _remind(state: State, woken: int | None = None) -> list[Step]:
    """Returns the latest reminder that is due for each published alert; earlier ones that were missed are skipped.

    Reminders of an alert that is not published yet are skipped too, also if it opens late. A row of a silent device shows that
    it has returned; only a timer, at `woken`, causes a reminder of its silence.
    """
    steps = []
    for alert_type, alert in sorted(state.alerts.items()):
        now = (alert.last_candidate[0] if alert_type in (SILENT, SITE_SILENT) else state.newest) if woken is None else woken
        due_steps = (now - alert.opened_at) // REMINDER_MS
        if due_steps > alert.reminded:
            alert.reminded = due_steps
            at = alert.opened_at + due_steps * REMINDER_MS
            steps += [Step("REMINDED", at, alert_type, alert)] if alert.told_level else []
    return steps


def _updates(state: State, minute: Minute | Candidate) -> Iterator[dict[str, Any]]:
    """Yields a row for each published alert that has changed since its last row."""
    for alert_type, alert in sorted(state.alerts.items()):
        if alert.told_level and alert.shown != alert_rows.shown(alert):
            yield alert_rows.update(Step("", minute.event_time, alert_type, alert), minute)
