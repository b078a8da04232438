"""Differences between alert types: reminders, silent devices, windows, sites, and what is forgotten."""

from __future__ import annotations

from typing import Any

from tests.udfs.test_lifecycle import HEAT, Row, context, minute, quiet, reading, silence, steps, time, transitions, window
from udfs.alerts.state import State


def test_reminder_comes_every_15_minutes_with_the_latest_state() -> None:
    hazards = [reading(60 * number + 1, level="CRITICAL" if number else "HIGH") for number in range(31)]
    rows = [row for number, hazard in enumerate(hazards) for row in (hazard, minute(number))]
    alerts = transitions(rows)
    assert steps(alerts) == [("OPENED", time(1)), ("ESCALATED", time(61)), ("REMINDED", time(901)), ("REMINDED", time(1801))]
    assert [alert["candidate_count"] for alert in alerts] == [1, 2, 16, 31]
    assert {alert["level"] for alert in alerts[1:]} == {"CRITICAL"}


def test_only_the_newest_reminder_comes_after_a_gap() -> None:
    assert steps(transitions([reading(0), reading(3000), reading(3001)])) == [("OPENED", time(0)), ("REMINDED", time(2700))]


def test_alert_that_opens_late_has_only_its_future_reminders() -> None:
    rows = [*quiet(40), reading(0, is_late=True), *quiet(41), reading(2700), reading(60 * 41 + 900)]
    assert steps(transitions(rows)) == [("OPENED", time(0)), ("REMINDED", time(60 * 41 + 900))]


def test_four_reminders_are_followed_by_daily_ones() -> None:
    alerts = transitions([reading(60 * number) for number in range(2 * 24 * 60 + 61)])
    assert [at for step, at in steps(alerts) if step == "REMINDED"] == [
        time(seconds) for seconds in (900, 1800, 2700, 3600, 3600 + 86_400, 3600 + 2 * 86_400)]


def test_row_that_clears_an_alert_causes_no_reminder() -> None:
    assert steps(transitions([reading(5), *quiet(0, 6, 12, 18, 24, 30)]))[-1] == ("CLEARED", time(31 * 60))
    assert steps(transitions([reading(5), reading(800), *quiet(14, 15, 16, 17, 18)])) == [
        ("OPENED", time(5)), ("REMINDED", time(905)), ("CLEARED", time(19 * 60))]  # fmt: skip


def test_silent_device_opens_an_alert_that_its_first_minute_back_ends() -> None:
    opened, cleared = transitions([*quiet(0), silence(30), *quiet(20)])
    assert (opened["transition"], opened["event_time"], opened["last_seen"]) == ("OPENED", time(330), time(30))
    assert (opened["level"], opened["risk_score"]) == ("MEDIUM", 0.4)
    assert (cleared["transition"], cleared["event_time"]) == ("CLEARED", time(21 * 60))
    assert transitions([*quiet(0), silence(30), reading(1200), reading(4000)])[1:] == transitions([reading(1200), reading(4000)])


def test_return_that_arrives_before_its_silence_gives_the_same_alert() -> None:
    assert transitions([*quiet(0, 20), silence(30)]) == transitions([*quiet(0), silence(30), *quiet(20)])


SITE = {"subject": "mill", "subject_kind": "SITE", "site_id": "mill"}


def site_silence(seconds: float, *names: str, **more: Any) -> Row:
    measured = {"devices": 4, "devices_silent": 3, "device_names": "\n".join(names), "last_seen": time(seconds)}
    return window(seconds / 60 + 5, "SITE_SILENT", "silences", "MEDIUM", risk_score=None, **measured, **SITE, **more)


def returned(number: int, *names: str, **more: Any) -> Row:
    """Builds the row of a minute in which devices of the site report after a pause."""
    return minute(number, alert_type="SITE_SILENT", device_names="\n".join(names), **SITE, **more)


def test_silent_site_returns_with_one_of_its_silent_devices_and_with_no_other_row() -> None:
    rows = [site_silence(30, "a", "b,c", "d"), *(row | SITE for row in quiet(*range(1, 9))), returned(20, "new")]
    assert steps(transitions(rows)) == [("OPENED", time(330))]
    back = steps(transitions([*rows, returned(21, "aa", "b,c"), returned(22, "a")]))
    assert back == [("OPENED", time(330)), ("CLEARED", time(1320))]


def test_return_ends_no_other_alert_of_the_site_and_counts_as_no_quiet_minute() -> None:
    cluster = window(1, "SITE_CLUSTER", "site_risk", devices=4, devices_high=2, device_names="a\nd", **SITE)
    rows = [cluster, *(returned(number, "a") for number in range(2, 12))]
    assert [step for step, _ in steps(transitions(rows))] == ["OPENED"]


def test_return_of_a_device_in_maintenance_says_nothing_about_the_maintenance_of_its_site() -> None:
    held = {"is_held": True, "held_until": time(3600)}
    assert transitions([site_silence(30, "a", "b", "c", **held), returned(20, "a")]) == []
    assert steps(transitions([returned(3, "a", **held), site_silence(30, "a", "b", "c")])) == [("OPENED", time(330))]


def test_further_silence_candidates_cause_reminders() -> None:
    again = silence(30) | {"event_time": time(330 + 900)}
    assert steps(transitions([silence(30), again])) == [("OPENED", time(330)), ("REMINDED", time(1230))]


def test_window_belongs_to_the_minutes_before_its_end_and_waits_for_those_of_the_same_time() -> None:
    rows = [context(1), *quiet(0, 1, 2, 3, 4, 5)]
    assert steps(transitions(rows)) == [("OPENED", time(60))]
    assert steps(transitions([*rows, *quiet(6)]))[-1] == ("CLEARED", time(360))
    assert steps(transitions([*rows, context(6), *quiet(6)])) == [("OPENED", time(60))]


def test_window_and_its_minute_give_the_same_transitions_in_either_order() -> None:
    rows = [context(1), *quiet(0, 1, 2, 3, 4, 5)]
    first, second = transitions([*rows, context(7), *quiet(6)]), transitions([*rows, *quiet(6), context(7)])
    assert first == second
    assert [step for step, _ in steps(first)] == ["OPENED", "CLEARED", "OPENED"]


def test_site_has_one_cluster_alert_whichever_window_causes_it() -> None:
    site = {"subject_kind": "SITE", "subject": "site-1"}
    risky = window(2, "SITE_CLUSTER", "site_risk", devices=4, devices_high=3, **site)
    pair = window(2, "SITE_CLUSTER", "device_correlations", "CRITICAL", **site)
    for rows in ([risky, pair], [pair, risky]):
        alerts = transitions([*rows, *(row | site for row in quiet(1)), *rows])
        assert alerts[-1]["level"] == "CRITICAL"
        assert alerts[0]["alert_id"] == transitions([risky])[0]["alert_id"]
        assert {(alert["subject_kind"], alert["subject"]) for alert in alerts} == {("SITE", "site-1")}
        assert [step for step, _ in steps(alerts)].count("OPENED") == 1


def test_subject_without_an_open_alert_is_forgotten_after_a_day_without_rows() -> None:
    state = State()
    transitions([reading(5), *quiet(*range(6))], state)
    assert state.taken
    transitions([minute(6 + 24 * 60)], state)
    assert state == State(minutes=state.minutes[-1:], newest=state.newest, free_through=state.newest)


def test_open_alert_is_never_forgotten() -> None:
    state = State()
    transitions([reading(5), minute(30 * 24 * 60)], state)
    assert list(state.alerts) == [HEAT]
