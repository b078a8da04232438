"""The life cycle of alerts for any stream of rows: redelivery, restarts, order of arrival, maintenance windows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.test_lifecycle import (
    ARCS,
    HEAT,
    START,
    Row,
    context,
    minute,
    outputs,
    quiet,
    reading,
    silence,
    steps,
    time,
    transitions,
    window,
)
from udfs.alerts.lifecycle import advance
from udfs.alerts.state import State
from udfs.readings.scoring import LEVELS

LEVEL = st.sampled_from(["MEDIUM", "HIGH", "CRITICAL"])
HELD_FROM, HELD_UNTIL = time(600), time(1500)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 90))
def test_constant_hazard_opens_exactly_one_alert(count: int, every: int) -> None:
    rows = [reading(every * number) for number in range(count)]
    rows += quiet(*{int(row["idx"]) // 60 for row in rows})
    reminders = [("REMINDED", time(900 * step)) for step in range(1, min((every * (count - 1) // 60 + 1) * 60 // 900, 4) + 1)]
    assert steps(transitions(sorted(rows, key=available))) == [("OPENED", time(0)), *reminders]


def available(row: Mapping[str, Any]) -> tuple[str, str]:
    """Returns rows in which the candidates of a minute come before the minute's own row."""
    return row["event_time"], "" if row["kind"] == "MINUTE" else row["kind"]


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=60))
def test_square_wave_opens_again_only_after_five_quiet_minutes(hazards: list[bool]) -> None:
    rows, expected, quiet_minutes, is_open = [], [], 0, False
    for number, hazard in enumerate(hazards):
        rows += [reading(60 * number + 30)] * hazard + [minute(number)]
        quiet_minutes = 0 if hazard else quiet_minutes + 1
        if hazard and not is_open:
            expected.append(("OPENED", time(60 * number + 30)))
            is_open = True
        if is_open and quiet_minutes == 5:
            expected.append(("CLEARED", time(60 * (number + 1))))
            is_open = False
    assert [step for step in steps(transitions(rows)) if step[0] != "REMINDED"] == expected


def rise(tens: int, level: str = "HIGH") -> Row:
    return window(tens / 6, "TEMPERATURE_RISE", "temperature_rises", level, temperature_rise=9.0)


ANY_ROW = st.one_of(
    st.builds(minute, st.integers(0, 40)),
    st.builds(reading, st.integers(0, 2400), st.sampled_from([HEAT, ARCS]), LEVEL, st.integers(0, 3)),
    st.builds(context, st.integers(1, 40)), st.builds(rise, st.integers(1, 240), LEVEL), st.builds(silence, st.integers(0, 2400)),
)  # fmt: skip
"""Rows in random order, which is worse than any lateness."""
ANY_STREAM = st.one_of(st.lists(ANY_ROW, max_size=60), st.lists(ANY_ROW, max_size=60).map(
    lambda rows: sorted(rows, key=available)))


def held(rows: list[Row]) -> list[Row]:
    """Adds a maintenance window from 09:10 to 09:25 to rows."""
    return [row | {"is_held": is_held, "held_until": HELD_UNTIL if is_held else None} for row, is_held in
            ((row, HELD_FROM <= row["event_time"] < HELD_UNTIL) for row in rows)]


ANY_HELD_STREAM = st.one_of(ANY_STREAM, ANY_STREAM.map(held))


@settings(deadline=None)
@given(ANY_HELD_STREAM)
def test_every_alert_lives_from_opened_to_cleared_or_is_still_open(rows: list[Row]) -> None:
    state = State()
    living: dict[str, Row] = {}
    for alert in transitions(rows, state):
        before = living.pop(alert["alert_type"], None)
        assert (before is None) == (alert["transition"] == "OPENED")
        if before is not None:
            assert before["alert_id"] == alert["alert_id"]
            has_risen = LEVELS.index(alert["level"]) > LEVELS.index(before["level"])
            assert has_risen == (alert["transition"] == "ESCALATED")
            assert (alert["transition"] == "REMINDED") <= (alert["event_time"] > alert["opened_at"])
        if alert["transition"] != "CLEARED":
            living[alert["alert_type"]] = alert
    open_alerts = {kind: alert for kind, (_, alert) in state.withheld.items()} | {
        kind: alert for kind, alert in state.alerts.items() if alert.told_level}
    assert {kind: alert["alert_id"] for kind, alert in living.items()} == {
        kind: each.alert_id for kind, each in open_alerts.items()}


@settings(deadline=None)
@given(ANY_HELD_STREAM, st.data())
def test_redelivery_of_any_suffix_adds_nothing(rows: list[Row], data: st.DataObject) -> None:
    state = State()
    outputs(rows, state)
    before = state.dumps()
    assert outputs(rows[data.draw(st.integers(0, len(rows))):], state) == []
    assert state.dumps() == before


@settings(deadline=None)
@given(ANY_HELD_STREAM, st.data())
def test_restart_at_any_point_gives_the_same_transitions(rows: list[Row], data: st.DataObject) -> None:
    point = data.draw(st.integers(0, len(rows)))
    state = State()
    before = outputs(rows[:point], state)
    restored = State.loads(json.loads(json.dumps(state.dumps())))
    assert restored == state
    assert before + outputs(rows[point:], restored) == outputs(rows)


@settings(deadline=None)
@given(ANY_HELD_STREAM)
def test_reminders_of_an_alert_are_at_least_fifteen_minutes_apart(rows: list[Row]) -> None:
    last: dict[str, timedelta] = {}
    for alert in transitions(rows):
        at = moment(alert["event_time"])
        if alert["transition"] == "REMINDED":
            assert at - last.get(alert["alert_id"], moment(alert["opened_at"])) >= timedelta(minutes=15)
            last[alert["alert_id"]] = at


@settings(deadline=None)
@given(ANY_HELD_STREAM)
def test_updates_change_something_of_published_alerts(rows: list[Row]) -> None:
    last: dict[str, tuple[Any, ...]] = {}
    for alert in outputs(rows):
        said = tuple(alert[name] for name in ("candidate_count", "last_candidate_at", "peak_risk_score"))
        assert alert["transition"] or last[alert["alert_id"]] != said
        last[alert["alert_id"]] = said


def moment(iso: str) -> timedelta:
    return START.fromisoformat(iso) - START


def arrival(row: Row, delay: float) -> timedelta:
    """Returns when a row arrives: a reading at once, a window 5 s later with the watermark, each delayed by less than 5 s."""
    behind = 0 if row["cause"] == "readings" else 5
    return moment(row["event_time"]) + timedelta(seconds=behind + delay)


DELAY = st.floats(0, 4.999)
HAZARDS = st.lists(st.tuples(st.booleans(), st.integers(0, 59), DELAY, DELAY, DELAY), max_size=40)


@settings(deadline=None)
@given(HAZARDS)
def test_order_of_arrival_within_five_seconds_opens_no_second_alert(hazards: list[tuple[bool, int, float, float, float]]) -> None:
    rows = []
    for number, (is_hazard, second, *delays) in enumerate(hazards):
        found = [reading(60 * number + second), context(number + 1)] if is_hazard else []
        rows += [(arrival(row, delay), row) for row, delay in zip([minute(number), *found], delays, strict=False)]
    in_order = sorted((row for _, row in rows), key=lambda row: (row["event_time"], row["kind"] == "MINUTE"))
    shuffled = [row for _, row in sorted(rows, key=lambda pair: pair[0])]
    assert openings(shuffled, HEAT) <= openings(in_order, HEAT)
    of_windows = [step for step in published(shuffled, "CONTEXT_RISK") if step[0] != "REMINDED"]
    assert of_windows == [step for step in published(in_order, "CONTEXT_RISK") if step[0] != "REMINDED"]


def published(rows: list[Row], alert_type: str) -> list[tuple[str, str, str]]:
    return [(alert["transition"], alert["event_time"], alert["alert_id"]) for alert in transitions(rows)
            if alert["alert_type"] == alert_type]


def openings(rows: list[Row], alert_type: str) -> int:
    return [step for step, *_ in published(rows, alert_type)].count("OPENED")


@settings(deadline=None)
@given(ANY_STREAM.map(held))
def test_maintenance_withholds_all_but_critical(rows: list[Row]) -> None:
    state, free = State(), ""
    for row in rows:
        alerts = [alert for alert in advance(state, row) if alert["transition"]]
        if row["is_held"] and row["event_time"] >= free:
            assert all(alert["level"] == "CRITICAL" or (alert["transition"] == "CLEARED" and alert["was_held"])
                       for alert in alerts)
        if not row["is_held"]:
            free = max(free, row["event_time"])


@settings(deadline=None)
@given(ANY_STREAM)
def test_end_of_maintenance_publishes_exactly_what_is_open(rows: list[Row]) -> None:
    rows = sorted((row for row in held(rows) if row["event_time"] < HELD_UNTIL), key=available)
    state = State()
    published_ids = {alert["alert_id"] for alert in transitions(rows, state) if alert["transition"] == "OPENED"}
    alerts = transitions([reading(1500, "OVERCURRENT")], state)
    opened = {alert["alert_id"] for alert in alerts if alert["transition"] == "OPENED" and alert["alert_type"] != "OVERCURRENT"}
    assert opened == {alert.alert_id for kind, alert in state.alerts.items() if kind != "OVERCURRENT"} - published_ids
    assert not state.withheld
    assert all(alert.told_level == alert.level for alert in state.alerts.values())


@settings(deadline=None)
@given(ANY_STREAM)
def test_maintenance_changes_only_what_is_published(rows: list[Row]) -> None:
    free, kept = State(), State()
    published_ids = {alert["alert_id"] for alert in transitions(rows, free)}
    assert {alert["alert_id"] for alert in transitions(held(rows), kept)} <= published_ids
    assert {kind: (each.alert_id, each.level, each.candidate_count) for kind, each in free.alerts.items()} == {
        kind: (each.alert_id, each.level, each.candidate_count) for kind, each in kept.alerts.items()}
