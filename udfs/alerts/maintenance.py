"""Which transitions people hear of now: maintenance windows hold back what is below CRITICAL, and tell it when they end.

While a row says that a window covers its subject, transitions below CRITICAL are kept; detection goes on. The first row
behind the window tells what is still open: OPENED where nobody has heard of the alert, ESCALATED where its level rose
meanwhile; and CLEARED for what people knew and has ended. What opened and cleared inside a window is never told.

A window's end is the first row without a hold whose event time is later than every held one. So it also ends where someone
takes it out of the registry, and a wrong `held_until` keeps nothing back for longer than it stands there. A subject that sends
nothing any more has its end from `lifecycle.wake`, at `held_until`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from udfs.alerts.candidates import Candidate, Minute
from udfs.alerts.state import NEVER, Alert, State
from udfs.readings.scoring import LEVELS


@dataclass(frozen=True)
class Step:
    """One transition of an alert, at an event time in epoch ms."""

    transition: str
    at: int
    alert_type: str
    alert: Alert


def tell(state: State, row: Minute | Candidate, steps: Iterable[Step]) -> Iterator[Step]:
    """The steps of a row that go out, and those of earlier rows that went nowhere and go out now."""
    is_held = row.is_held and row.event_time >= state.free_through
    for step in steps:
        if is_held and step.alert.level != LEVELS[-1]:
            _keep(state, step)
        else:
            yield from _told(state, step)
    yield from _released(state, row)
    if row.is_held:
        if row.event_time >= state.held_through:
            state.held_through, state.held_until = row.event_time, row.held_until or NEVER
    else:
        state.free_through = max(state.free_through, row.event_time)


def _keep(state: State, step: Step) -> None:
    if step.transition == "REMINDED":
        return
    step.alert.was_held = True
    if step.transition == "CLEARED" and step.alert.told_level is not None:
        state.withheld[step.alert_type] = (step.at, step.alert)


def _told(state: State, step: Step) -> Iterator[Step]:
    """The step, as OPENED or ESCALATED where that was kept; nothing for the end or a reminder of an alert that nobody knows."""
    if step.alert.told_level is not None:
        has_risen = step.transition == "REMINDED" and step.alert.level != step.alert.told_level
        yield _mark(replace(step, transition="ESCALATED") if has_risen else step)
    elif step.transition in ("OPENED", "ESCALATED"):
        yield from _ended(state, step.alert_type)
        yield _mark(Step("OPENED", step.at, step.alert_type, step.alert))


def _released(state: State, row: Minute | Candidate) -> Iterator[Step]:
    """What a row without a hold lets out: all that was kept, or, from before the window, what it itself is about."""
    if row.is_held:
        return
    is_over = row.event_time > state.held_through
    if is_over:
        for alert_type in sorted(state.withheld):
            yield from _ended(state, alert_type)
    for alert_type, alert in sorted(state.alerts.items(), key=lambda item: (item[1].opened_at, item[0])):
        if (is_over or _adds(state, row, alert_type, alert)) and alert.told_level != alert.level:
            transition = "OPENED" if alert.told_level is None else "ESCALATED"
            yield from _told(state, Step(transition, row.event_time, alert_type, alert))


def _adds(state: State, row: Minute | Candidate, alert_type: str, alert: Alert) -> bool:
    """Whether the row is a candidate of this open alert and says more than people know; a repeated one does not."""
    if not isinstance(row, Candidate) or row.alert_type != alert_type or state.is_settled_by(alert_type, row.place):
        return False
    return alert.told_level is None or LEVELS.index(row.level) > LEVELS.index(alert.told_level)


def _ended(state: State, alert_type: str) -> Iterator[Step]:
    if alert_type in state.withheld:
        end, alert = state.withheld.pop(alert_type)
        yield _mark(Step("CLEARED", end, alert_type, alert))


def _mark(step: Step) -> Step:
    step.alert.told_level = step.alert.level
    return step
