"""Maintenance windows: what they withhold, and what is published when they end."""

from __future__ import annotations

from typing import Any

from tests.udfs.test_lifecycle import ARCS, HEAT, Row, minute, quiet, reading, steps, time, transitions
from udfs.alerts.lifecycle import advance
from udfs.alerts.state import State

HELD: Row = {"is_held": True, "held_until": time(600)}


def held(row: Row) -> Row:
    return row | HELD


def published(*rows: Row) -> list[tuple[Any, ...]]:
    return [(alert["alert_type"], *step) for alert, step in
            ((alert, steps([alert])[0]) for alert in transitions(rows))]


def test_alert_within_a_window_is_published_at_its_end_with_its_own_opening() -> None:
    (alert,) = transitions([held(reading(5)), held(reading(300)), held(minute(8)), minute(9)])
    assert (alert["transition"], alert["event_time"], alert["opened_at"]) == ("OPENED", time(600), time(5))
    assert alert["alert_id"] == transitions([reading(5)])[0]["alert_id"]
    assert (alert["was_held"], alert["candidate_count"]) == (True, 2)
    assert "Held back during maintenance" in alert["message_en"]


def test_alert_that_opens_and_clears_within_a_window_is_never_published() -> None:
    assert transitions([held(reading(5)), *map(held, quiet(*range(6))), minute(10)]) == []


def test_withheld_alert_that_the_first_free_minute_clears_is_never_published() -> None:
    assert transitions([held(reading(245)), *map(held, quiet(4, 5, 6, 7, 8)), minute(9)]) == []


def test_critical_is_published_at_once() -> None:
    (alert,) = transitions([held(reading(5, level="CRITICAL"))])
    assert (alert["transition"], alert["event_time"], alert["was_held"]) == ("OPENED", time(5), False)


def test_withheld_alert_that_becomes_critical_is_published_at_once_as_opened() -> None:
    (alert,) = transitions([held(reading(5)), held(reading(9, level="CRITICAL")), held(reading(11, level="CRITICAL"))])
    assert (alert["transition"], alert["level"], alert["event_time"], alert["opened_at"], alert["was_held"]) == (
        "OPENED", "CRITICAL", time(9), time(5), True)  # fmt: skip


def test_rise_below_critical_of_a_published_alert_is_published_at_the_end() -> None:
    rows = [reading(5, level="MEDIUM"), held(reading(65)), minute(9)]
    assert published(*rows) == [(HEAT, "OPENED", time(5)), (HEAT, "ESCALATED", time(600))]


def test_published_alert_that_ends_within_a_window_is_cleared_at_its_end_with_its_own_time() -> None:
    rows = [reading(5), *map(held, quiet(*range(6))), held(reading(550, ARCS)), minute(9)]
    assert published(*rows) == [(HEAT, "OPENED", time(5)), (HEAT, "CLEARED", time(360)), (ARCS, "OPENED", time(600))]


def test_withheld_end_comes_before_the_next_alert_of_its_type() -> None:
    rows = [reading(5), *map(held, quiet(*range(6))), reading(601)]
    assert published(*rows)[1:] == [(HEAT, "CLEARED", time(360)), (HEAT, "OPENED", time(601))]


def test_end_of_a_published_alert_comes_before_a_critical_one_of_its_type_opens() -> None:
    rows = [reading(5), *map(held, quiet(*range(6))), held(reading(400, level="CRITICAL")), minute(9)]
    assert published(*rows) == [(HEAT, "OPENED", time(5)), (HEAT, "CLEARED", time(360)), (HEAT, "OPENED", time(400))]


def test_withheld_reminder_is_skipped() -> None:
    window = [held(reading(60 * number)) for number in range(1, 20)]
    assert published(reading(5), *window, reading(1200)) == [(HEAT, "OPENED", time(5))]
    assert published(reading(5), *window, reading(1810))[1:] == [(HEAT, "REMINDED", time(1805))]


def test_withheld_opening_replaces_a_reminder() -> None:
    assert published(held(reading(0)), held(reading(1000, level="CRITICAL"))) == [(HEAT, "OPENED", time(1000))]


def test_candidate_of_a_cleared_alert_publishes_nothing_of_the_next_one() -> None:
    rows = [reading(5), *quiet(*range(6)), held(reading(400))]
    assert published(*rows, reading(5)) == published(*rows) == [(HEAT, "OPENED", time(5)), (HEAT, "CLEARED", time(360))]


def test_window_that_is_removed_from_the_registry_ends_with_the_next_row() -> None:
    assert published(held(reading(5)), reading(70)) == [(HEAT, "OPENED", time(70))]


def test_reading_from_before_the_window_publishes_only_its_own_alert() -> None:
    rows = [held(reading(5)), held(reading(6, ARCS)), reading(4)]
    assert published(*rows) == [(HEAT, "OPENED", time(4))]


def test_late_reading_from_a_window_that_has_ended_is_published_at_once() -> None:
    assert published(minute(9), held(reading(500, is_late=True))) == [(HEAT, "OPENED", time(500))]


def test_unpublished_alert_has_no_updates() -> None:
    state = State()
    assert [alert for row in (held(reading(5)), held(minute(0))) for alert in advance(state, row)] == []
    assert [alert["transition"] for alert in advance(state, minute(9))] == ["OPENED"]


def test_withheld_end_is_not_forgotten() -> None:
    state = State()
    transitions([reading(5), *map(held, quiet(*range(6)))], state)
    assert not state.is_over
    assert steps(transitions([minute(3000)], state)) == [("CLEARED", time(360))]
    assert state.is_over


def test_repeated_candidate_from_before_the_window_releases_nothing() -> None:
    rows = [reading(5, level="MEDIUM"), held(reading(65))]
    assert [step for _, step, _ in published(*rows, rows[0])] == ["OPENED"]


def test_reminder_of_an_alert_that_rose_within_the_window_is_its_escalation() -> None:
    rows = [reading(0, level="MEDIUM"), held(reading(65)), minute(25)]
    assert [step for _, step, _ in published(*rows)] == ["OPENED", "ESCALATED"]
