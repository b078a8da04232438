"""The life cycle of an alert: transitions, redelivery, restarts, silence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import epoch_ms
from udfs.alerts.candidates import EVIDENCE, Candidate, read
from udfs.alerts.lifecycle import advance, alert_id
from udfs.alerts.state import REMEMBERED, State, StateError
from udfs.readings.explanation import explain

START = datetime(2025, 10, 9, 9, tzinfo=UTC)
HEAT, ARCS = "TEMPERATURE_CRITICAL", "ARC_DETECTED"
RISKS = {"MEDIUM": 0.4, "HIGH": 0.6, "CRITICAL": 0.8}
Row = dict[str, Any]


def time(seconds: float) -> str:
    """Formats the time `seconds` after 09:00 as candidates and alerts write it."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reading(seconds: float, alert_type: str = HEAT, level: str = "HIGH", idx: int | None = None, **more: Any) -> Row:
    return {
        "schema_version": 1, "kind": "CANDIDATE", "subject_kind": "DEVICE", "subject": "dev-1", "site_id": "site-1",
        "cause": "readings", "alert_type": alert_type, "level": level, "risk_score": RISKS.get(level),
        "event_time": time(seconds), "idx": int(seconds) if idx is None else idx, "is_late": False,
        **dict.fromkeys(EVIDENCE), "max_temperature": 62.5, "pcb_temperature": 62.5, "status_bits": 0,
        "last_seen": None, "device_names": None, "profile_version": None, "is_held": False, "held_until": None, "limits": None,
        "worst_reading": None, "sensor_fault": None,
        **more,
    }  # fmt: skip


def window(minutes: float, alert_type: str, cause: str, level: str = "HIGH", **more: Any) -> Row:
    """Builds a candidate of the window that ends `minutes` after 09:00."""
    measured = dict.fromkeys(("max_temperature", "pcb_temperature", "status_bits", "idx"))
    return reading(60 * minutes, alert_type, level, **{"cause": cause, **measured, **more}) | {"idx": None}


def context(minutes: float, **more: Any) -> Row:
    return window(minutes, "CONTEXT_RISK", "device_minutes", risk_modifier=1.5, **more)


def silence(seconds: float, **more: Any) -> Row:
    """Builds the candidate of a device whose last reading was `seconds` after 09:00."""
    return window(seconds / 60 + 5, "DEVICE_SILENT", "silences", "MEDIUM", risk_score=None, last_seen=time(seconds), **more)


def minute(number: int, **more: Any) -> Row:
    """Builds the row of the minute [number, number + 1) after 09:00."""
    return {"schema_version": 1, "kind": "MINUTE", "subject_kind": "DEVICE", "subject": "dev-1", "site_id": "site-1",
            "event_time": time(60 * (number + 1)), "profile_version": None, "is_held": False, "held_until": None, "limits": None,
            **dict.fromkeys(("cause", "alert_type", "level", "risk_score", "idx", "is_late", "last_seen", "worst_reading",
                             "sensor_fault", "device_names", *EVIDENCE)), **more}


def quiet(*numbers: int) -> list[Row]:
    return [minute(number) for number in numbers]


def outputs(rows: Iterable[Row], state: State | None = None) -> list[Row]:
    """Returns the alert rows that the rows cause one after the other: transitions, and updates of open alerts."""
    state = State() if state is None else state
    return [alert for row in rows for alert in advance(state, row)]


def transitions(rows: Iterable[Row], state: State | None = None) -> list[Row]:
    """Returns the transitions that the rows cause."""
    return [alert for alert in outputs(rows, state) if alert["transition"]]


def steps(alerts: Iterable[Row]) -> list[tuple[str, str]]:
    return [(alert["transition"], alert["event_time"]) for alert in alerts]


def test_first_candidate_opens_an_alert_with_every_field() -> None:
    row = reading(5, base_risk=0.16, floor_risk=0.6, arc_count=2)
    (alert,) = transitions([row])
    contributions = [each["name"] for each in alert["explanation"]]
    assert contributions == [each.name for each in explain(row)][:3]
    assert alert["message_en"]
    assert alert["message_ko"]
    assert alert["recommendations_en"]
    assert alert["recommendations_ko"]
    texts = {"explanation", "message_ko", "message_en", "recommendations_ko", "recommendations_en"}
    assert {name: value for name, value in alert.items() if name not in texts} == {
        "schema_version": 1, "alert_id": alert["alert_id"], "transition": "OPENED", "subject": "dev-1",
        "subject_kind": "DEVICE", "site_id": "site-1", "alert_type": HEAT, "cause": "readings", "level": "HIGH",
        "peak_level": "HIGH", "risk_score": 0.6,
        "peak_risk_score": 0.6, "candidate_count": 1, "base_risk": 0.16, "floor_risk": 0.6, "rule_risk": None,
        "status_risk": None, "pattern_risk": None, "confidence": None, "max_temperature": 62.5, "voltage": None,
        "current": None, "leakage_current": None, "resistive_leakage": None, "power_factor": None, "arc_count": 2,
        "co_gas": None, "voc": None, "status_bits": 0, "event_time": time(5), "opened_at": time(5), "last_candidate_at": time(5),
        "last_seen": None, "device_names": None, "was_held": False, "profile_version": None,
    }  # fmt: skip


def test_rising_level_escalates_once_and_a_lower_level_changes_nothing() -> None:
    state = State()
    alerts = transitions([reading(1), reading(2, level="CRITICAL"), reading(3), reading(4, level="CRITICAL")], state)
    assert steps(alerts) == [("OPENED", time(1)), ("ESCALATED", time(2))]
    assert [alert["level"] for alert in alerts] == ["HIGH", "CRITICAL"]
    assert state.alerts[HEAT].level == "CRITICAL"
    assert state.alerts[HEAT].candidate_count == 4


def test_first_candidate_of_level_critical_opens_at_once_as_critical() -> None:
    (alert,) = transitions([reading(1, level="CRITICAL")])
    assert (alert["transition"], alert["level"]) == ("OPENED", "CRITICAL")


def test_alert_is_cleared_by_the_fifth_quiet_minute_in_a_row() -> None:
    hot = reading(50, level="CRITICAL", max_temperature=70.0)
    alerts = transitions([reading(5), hot, *quiet(0, 1, 2, 3, 4), minute(5)])
    assert steps(alerts)[-1] == ("CLEARED", time(360))
    cleared = alerts[-1]
    assert (cleared["level"], cleared["candidate_count"], cleared["max_temperature"]) == ("CRITICAL", 2, 70.0)
    assert (cleared["opened_at"], cleared["last_candidate_at"]) == (time(5), time(50))
    assert transitions([reading(5), *quiet(0, 1, 2, 3, 4)])[1:] == []


def test_candidate_on_a_minute_boundary_belongs_to_the_minute_that_it_starts() -> None:
    assert steps(transitions([reading(60), *quiet(0, 1, 2, 3, 4, 5)])) == [("OPENED", time(60))]
    assert steps(transitions([reading(60), *quiet(0, 1, 2, 3, 4, 5, 6)]))[-1] == ("CLEARED", time(420))


def test_silent_subject_is_never_cleared() -> None:
    rows = [reading(5), *quiet(0, 1, 2, 3, 4), *quiet(1000)]
    assert steps(transitions(rows)) == [("OPENED", time(5)), ("REMINDED", time(5 + 4 * 900))]


def test_silence_between_quiet_minutes_starts_their_count_again() -> None:
    rows = [reading(5), *quiet(0, 1, 2, 3, 4, 11, 12, 13, 14)]
    assert steps(transitions(rows)) == [("OPENED", time(5))]
    assert steps(transitions([*rows, minute(15)]))[-1] == ("CLEARED", time(16 * 60))


def test_device_that_pauses_for_five_minutes_can_be_cleared_and_one_that_pauses_for_six_is_silent() -> None:
    assert steps(transitions([reading(5), *quiet(*range(0, 36, 6))]))[-1] == ("CLEARED", time(31 * 60))
    assert {step for step, _ in steps(transitions([reading(5), *quiet(*range(0, 700, 7))]))} == {"OPENED", "REMINDED"}


def test_new_candidate_after_cleared_opens_another_alert_with_another_id() -> None:
    alerts = transitions([reading(5), *quiet(0, 1, 2, 3, 4, 5), reading(400)])
    assert [alert["transition"] for alert in alerts] == ["OPENED", "CLEARED", "OPENED"]
    assert alerts[0]["alert_id"] == alerts[1]["alert_id"] != alerts[2]["alert_id"]


def test_alternating_types_keep_an_alert_each_and_clear_apart() -> None:
    rows = [reading(5), reading(6, ARCS), reading(65, ARCS), reading(7), *quiet(0, 1, 2, 3, 4, 5, 6)]
    alerts = transitions(rows)
    assert [(alert["alert_type"], alert["transition"]) for alert in alerts] == [
        (HEAT, "OPENED"), (ARCS, "OPENED"), (HEAT, "CLEARED"), (ARCS, "CLEARED")]  # fmt: skip
    assert [alert["event_time"] for alert in alerts[2:]] == [time(360), time(420)]


def test_late_candidate_opens_an_alert() -> None:
    assert steps(transitions([*quiet(0, 1, 2), reading(70, is_late=True)])) == [("OPENED", time(70))]


def test_only_minutes_that_arrive_after_a_late_candidate_clear_its_alert() -> None:
    rows = [*quiet(0, 1, 2, 3, 4, 5), reading(30, is_late=True), *quiet(6, 7, 8, 9)]
    assert steps(transitions(rows)) == [("OPENED", time(30))]
    assert steps(transitions([*rows, minute(10)])) == [("OPENED", time(30)), ("CLEARED", time(660))]


def test_minutes_that_a_candidate_has_overtaken_do_not_clear_its_alert() -> None:
    assert steps(transitions([reading(700, level="CRITICAL"), *quiet(*range(11))])) == [("OPENED", time(700))]


def test_device_whose_clock_falls_back_in_a_fire_has_one_alert_that_stays_open() -> None:
    fallen = -25 * 365 * 86_400
    rows = [reading(5), reading(fallen), *quiet(0)]
    rows += [row for number in range(20) for row in (reading(fallen + 60 * number + 1), minute(fallen // 60 + number))]
    assert [step for step, _ in steps(transitions(rows))] == ["OPENED"]


def test_finished_fire_of_a_backlog_is_told_and_cleared_by_the_minutes_behind_it() -> None:
    backlog = [reading(-7200 + 60 * number, is_late=True) for number in range(10)]
    alerts = transitions([minute(0), *backlog, *quiet(1, 2, 3, 4, 5)])
    assert steps(alerts) == [("OPENED", time(-7200)), ("CLEARED", time(360))]


def test_candidate_that_arrives_after_its_minute_still_breaks_the_quiet() -> None:
    rows = [reading(5), *quiet(0, 1, 2, 3, 4), reading(299, is_late=True), *quiet(5, 6, 7, 8)]
    assert steps(transitions(rows)) == [("OPENED", time(5))]
    assert steps(transitions([*rows, minute(9)]))[-1] == ("CLEARED", time(600))


def test_candidate_of_a_cleared_alert_opens_no_other_when_it_is_delivered_again() -> None:
    rows = [reading(4), reading(5), *quiet(0, 1, 2, 3, 4, 5)]
    assert steps(transitions([*rows, reading(5), reading(4)])) == steps(transitions(rows))


def test_late_candidate_from_the_quiet_minutes_before_cleared_opens_another_alert() -> None:
    alerts = transitions([reading(5), *quiet(0, 1, 2, 3, 4, 5), reading(200, level="CRITICAL", is_late=True),
                          *quiet(6, 7, 8, 9, 10)])
    assert [step for step, _ in steps(alerts)] == ["OPENED", "CLEARED", "OPENED", "CLEARED"]
    assert len({alert["alert_id"] for alert in alerts}) == 2


def test_late_critical_candidate_raises_the_open_alert() -> None:
    alerts = transitions([reading(90), reading(80, level="CRITICAL", is_late=True)])
    assert steps(alerts) == [("OPENED", time(90)), ("ESCALATED", time(80))]
    assert alerts[1]["last_candidate_at"] == time(90)


def test_alert_keeps_the_last_site_of_its_candidates() -> None:
    assert transitions([reading(1), reading(2, level="CRITICAL", site_id=None)])[1]["site_id"] == "site-1"


def test_alert_id_depends_on_subject_type_and_opening_candidate_alone() -> None:
    (first,), (again,) = transitions([reading(5)]), transitions([reading(5, level="CRITICAL", max_temperature=90.0)])
    assert first["alert_id"] == again["alert_id"]
    others = [reading(5, ARCS), reading(6, idx=5), reading(5, idx=6), reading(5, subject="dev-2")]
    assert len({first["alert_id"], *(transitions([other])[0]["alert_id"] for other in others)}) == 5


def test_number_of_remembered_minutes_is_bounded() -> None:
    state = State()
    transitions(quiet(*range(1000)), state)
    assert len(state.minutes) == REMEMBERED


def test_number_of_remembered_candidates_of_a_type_is_bounded() -> None:
    state = State()
    transitions([reading(second) for second in range(1000)], state)
    assert len(state.taken[HEAT]) == REMEMBERED


def test_state_of_the_version_before_is_read_with_its_open_alerts() -> None:
    state = State()
    transitions([reading(5), reading(65), reading(70, ARCS)], state)
    old = json.loads(state.dumps()) | {"version": 2, "settled": {ARCS: [epoch_ms(time(70)), 70]}}
    del old["taken"], old["alerts"][ARCS]
    for alert in old["alerts"].values():
        alert["last_candidate"] = [alert["last_candidate"], 65]
        del alert["last_taken"], alert["reminded_from"], alert["quiet"]
    restored = State.loads(json.dumps(old))
    assert transitions([reading(65), reading(70, ARCS)], restored) == []
    assert steps(transitions(quiet(1, 2, 3, 4, 5, 6), restored)) == [("CLEARED", time(420))]


def test_state_of_another_version_is_refused_with_the_remedy() -> None:
    with pytest.raises(StateError, match=r"version 99.*without its old state"):
        State.loads('{"version": 99}')


def test_huge_measurements_do_not_break_the_alert() -> None:
    absurd = dict.fromkeys(("voltage", "current", "power", "power_factor", "leakage_current", "co_gas"), 1e308)
    for factor in (1, -1, 10**300):
        row = reading(5) | {field: int(value) // factor for field, value in absurd.items()}
        (alert,) = transitions([json.loads(json.dumps(row))])
        assert json.loads(json.dumps(alert, allow_nan=False)) == alert


def test_alert_id_is_the_same_in_every_release() -> None:
    candidate = read(reading(5))
    assert isinstance(candidate, Candidate)
    assert alert_id(candidate) == "7cdb5eadbc9e7c85"
