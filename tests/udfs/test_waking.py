"""What is published about a subject that has stopped sending: reminders, and the end of its maintenance window."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import epoch_ms
from tests.udfs.test_lifecycle import ARCS, HEAT, Row, minute, quiet, reading, silence, steps, time, transitions
from tests.udfs.test_lifecycle_properties import ANY_HELD_STREAM
from udfs.alerts.lifecycle import due, wake
from udfs.alerts.state import State

HELD: Row = {"is_held": True, "held_until": time(600)}
DAY = 86_400


def ms(seconds: float) -> int:
    return epoch_ms(time(seconds))


def woken(state: State, seconds: float) -> list[Row]:
    return wake(state, "dev-1", "DEVICE", ms(seconds))


def after(*rows: Row) -> State:
    state = State()
    transitions(rows, state)
    return state


def told(rows: list[Row]) -> list[tuple[Any, ...]]:
    return [(row["alert_type"], row["transition"], row["event_time"]) for row in rows]


def test_nothing_is_due_without_an_open_alert() -> None:
    assert due(State()) is None
    assert due(after(reading(5), *quiet(*range(6)))) is None


def test_open_alert_of_a_silent_device_has_reminders_on_its_steps() -> None:
    state = after(reading(5))
    assert due(state) == ms(905)
    assert woken(state, 904.999) == []
    assert steps(woken(state, 905)) == [("REMINDED", time(905))]
    assert due(state) == ms(1805)


def test_silence_has_reminders_while_it_lasts_and_its_end_clears_it() -> None:
    state = after(minute(0), silence(30))
    assert told(woken(state, 330 + 900)) == [("DEVICE_SILENT", "REMINDED", time(1230))]
    assert steps(transitions([minute(30)], state)) == [("CLEARED", time(1860))]
    assert due(state) is None


def test_reminder_names_its_subject_and_explains_the_alert() -> None:
    (row,) = woken(after(reading(5)), 905)
    assert (row["subject"], row["subject_kind"], row["site_id"], row["opened_at"]) == ("dev-1", "DEVICE", "site-1", time(5))
    assert row["explanation"]


def test_missed_steps_become_one_reminder() -> None:
    assert steps(woken(after(reading(5)), 4000)) == [("REMINDED", time(3605))]


def test_silent_device_has_four_reminders_and_then_one_a_day_and_its_alert_stays_open() -> None:
    state = after(reading(0))
    reminders = [row for at in (due(state) for _ in range(7)) if at is not None for row in wake(state, "dev-1", "DEVICE", at)]
    assert [row["event_time"] for row in reminders] == [
        time(seconds) for seconds in (900, 1800, 2700, 3600, 3600 + DAY, 3600 + 2 * DAY, 3600 + 3 * DAY)]
    assert set(state.alerts) == {HEAT}


def test_no_reminder_is_due_after_the_last_time_that_can_be_written() -> None:
    assert due(after(reading(0) | {"event_time": "9999-12-31T23:59:59.000Z"})) is None


def test_row_with_the_same_content_leaves_nothing_to_wake_for() -> None:
    state = after(reading(5), reading(910))
    assert due(state) == ms(1805)
    assert woken(state, 1000) == []


def test_withheld_alert_is_published_at_the_end_of_maintenance_though_the_device_is_silent() -> None:
    state = after(reading(5) | HELD, silence(100) | HELD)
    assert due(state) == ms(600)
    assert woken(state, 599) == []
    assert told(woken(state, 600)) == [(HEAT, "OPENED", time(600)), ("DEVICE_SILENT", "OPENED", time(600))]
    assert due(state) == ms(905)


def test_published_alert_that_ended_within_a_window_is_cleared_at_its_end_though_the_device_is_silent() -> None:
    state = after(reading(5), *(each | HELD for each in quiet(*range(6))))
    assert told(woken(state, 600)) == [(HEAT, "CLEARED", time(360))]
    assert state.is_over


def test_prolonged_window_is_waited_for() -> None:
    longer = {"is_held": True, "held_until": time(1200)}
    state = after(reading(5) | HELD, reading(65, ARCS) | longer)
    assert due(state) == ms(1200)


def test_published_alert_has_no_reminder_within_a_window() -> None:
    state = after(reading(5), reading(10) | {"is_held": True, "held_until": time(3600)})
    assert woken(state, 905) == []
    assert steps(woken(state, 3605)) == [("REMINDED", time(3605))]


def test_critical_alert_has_reminders_within_a_window_too() -> None:
    state = after(reading(5, level="CRITICAL") | HELD | {"held_until": time(3600)})
    assert steps(woken(state, 905)) == [("REMINDED", time(905))]


@settings(deadline=None)
@given(ANY_HELD_STREAM, st.integers(0, 5000))
def test_whatever_was_woken_for_is_not_due_again_and_survives_a_restart(rows: list[Row], seconds: int) -> None:
    state = after(*rows)
    restored = State.loads(json.loads(json.dumps(state.dumps())))
    first = woken(state, seconds)
    assert woken(restored, seconds) == first
    assert woken(state, seconds) == []
    at = due(state)
    assert at is None or at > ms(seconds)


@settings(deadline=None)
@given(ANY_HELD_STREAM, st.integers(0, 5000))
def test_waking_opens_and_clears_only_what_maintenance_withheld(rows: list[Row], seconds: int) -> None:
    state = after(*rows)
    kept, known = state.withholds, set(state.alerts)
    kinds = {row["transition"] for row in woken(state, seconds)}
    assert kinds <= ({"OPENED", "ESCALATED", "CLEARED", "REMINDED"} if kept else {"REMINDED"})
    assert set(state.alerts) == known


@settings(deadline=None)
@given(ANY_HELD_STREAM, st.integers(0, 5000))
def test_redelivery_after_waking_adds_nothing(rows: list[Row], seconds: int) -> None:
    state = after(*rows)
    woken(state, seconds)
    assert transitions(rows, state) == []
