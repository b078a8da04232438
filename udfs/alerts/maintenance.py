"""Decides which transitions are published now: maintenance windows withhold everything below CRITICAL until they end.

While rows say that a maintenance window covers their subject (`is_held`), transitions below CRITICAL are withheld; detection
goes on. The first row after the window publishes what is still open, as OPENED or, if the level rose, as ESCALATED, and CLEARED
for alerts that were published before and have ended. An alert that opened and cleared within the window is never published.

A maintenance window ends with the first row that is not held and later than every held one. So it also ends when it is removed
from the registry, and a wrong `held_until` withholds nothing for longer than the registry contains it. For a subject that has
stopped sending, `lifecycle.wake` ends it at `held_until`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from udfs.alerts.candidates import Candidate, Minute
from udfs.alerts.state import NEVER, Alert, State
from udfs.readings.scoring import LEVELS


@dataclass(frozen=True)
class Step:
    """One transition of an alert; `at` is its event time, epoch ms."""

    transition: str
    at: int
    alert_type: str
    alert: Alert


def publish(state: State, row: Minute | Candidate, steps: Iterable[Step], is_new: bool = True) -> Iterator[Step]:
    """Yields the steps to publish with a row: those of the row itself, and earlier ones that were withheld until now.

    `is_new` says that the row was not delivered before.
    """
    is_held = row.is_held and row.event_time >= state.free_through
    for step in steps:
        if is_held and step.alert.level != LEVELS[-1]:
            _withhold(state, step)
        else:
            yield from _published(state, step)
    yield from _released(state, row, is_new)
    _remember_hold(state, row)


def _remember_hold(state: State, row: Minute | Candidate) -> None:
    if row.is_held:
        if row.event_time >= state.held_through:
            state.held_through, state.held_until = row.event_time, row.held_until or NEVER
    else:
        state.free_through = max(state.free_through, row.event_time)


def _withhold(state: State, step: Step) -> None:
    if step.transition == "REMINDED":
        return
    step.alert.was_held = True
    if step.transition == "CLEARED" and step.alert.told_level is not None:
        state.withheld[step.alert_type] = (step.at, step.alert)


def _published(state: State, step: Step) -> Iterator[Step]:
    """Yields the step, as OPENED or ESCALATED if that was withheld; nothing for the end or a reminder of an unpublished alert."""
    if step.alert.told_level is not None:
        has_risen = step.transition == "REMINDED" and step.alert.level != step.alert.told_level
        yield _mark(replace(step, transition="ESCALATED") if has_risen else step)
    elif step.transition in ("OPENED", "ESCALATED"):
        yield from _ended(state, step.alert_type)
        yield _mark(Step("OPENED", step.at, step.alert_type, step.alert))


def _released(state: State, row: Minute | Candidate, is_new: bool) -> Iterator[Step]:
    """Yields what a row that is not held releases: everything withheld or, if it is older than the window, its own alert."""
    if row.is_held:
        return
    is_over = row.event_time > state.held_through
    if is_over:
        for alert_type in sorted(state.withheld):
            yield from _ended(state, alert_type)
    for alert_type, alert in sorted(state.alerts.items(), key=lambda item: (item[1].opened_at, item[0])):
        if (is_over or (is_new and _adds(row, alert_type, alert))) and alert.told_level != alert.level:
            transition = "OPENED" if alert.told_level is None else "ESCALATED"
            yield from _published(state, Step(transition, row.event_time, alert_type, alert))


def _adds(row: Minute | Candidate, alert_type: str, alert: Alert) -> bool:
    """Checks that the row is a candidate of this open alert and raises it above the published level."""
    if not isinstance(row, Candidate) or row.alert_type != alert_type:
        return False
    return alert.told_level is None or LEVELS.index(row.level) > LEVELS.index(alert.told_level)


def _ended(state: State, alert_type: str) -> Iterator[Step]:
    if alert_type in state.withheld:
        end, alert = state.withheld.pop(alert_type)
        yield _mark(Step("CLEARED", end, alert_type, alert))


def _mark(step: Step) -> Step:
    step.alert.told_level = step.alert.level
    return step
