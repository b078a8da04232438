"""Tests which channels hear of a transition and when: filters, quiet hours, escalations, digests and test devices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.channels import Channel
from services.notify.formats import plain_text, slack, teams, text_message, webhook_json
from services.notify.hours import QuietHours, next_time
from services.notify.notification import Notice, UndeliveredError
from services.notify.outbox import Outbox, connector
from services.notify.place import NOWHERE, Place, place_of
from services.notify.routing import route
from tests.services.notify.test_notify import Clock, MemoryTarget, channel, deliver_all, deliverer, rows
from tests.support.receivers import NOON, alert
from udfs.registry.format import parse
from udfs.registry.registry import NONE, Registry

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NIGHT = QuietHours(time(22), time(7), "Asia/Seoul")
SEOUL_3AM = datetime(2026, 3, 1, 18, tzinfo=UTC)
SEOUL_7AM = datetime(2026, 3, 1, 22, tzinfo=UTC)
PLANT = parse(json.dumps({
    "sites": {"site-1": {"name": "Plant A", "time_zone": "Asia/Seoul"}, "lab": {}},
    "devices": {"dev-07": {"site": "site-1", "zone": "hall 2"}, "trial": {"site": "lab", "test": True}}}).encode())


def known(registry: Registry, database: dict[str, Any]) -> Outbox:
    return Outbox(connector(database), lambda: registry, "https://fire.example.org")


@pytest.fixture
def outbox(database: dict[str, Any]) -> Iterator[Outbox]:
    made = known(PLANT, database)
    yield made
    made.close()


def keep(connection: psycopg.Connection[Any], **changed: Any) -> None:
    """Writes an alert as the store does, with what people did."""
    columns = {"schema_version": 1, "alert_id": alert()["alert_id"], "subject": "dev-07", "alert_type": "GENERAL_RISK",
               "level": "HIGH", "state": "OPENED", "event_time": NOON, "opened_at": NOON} | changed
    names = ", ".join(columns)
    connection.execute(f"INSERT INTO alerts ({names}) VALUES ({', '.join(f'%({name})s' for name in columns)})", columns)


def notices(to: Channel) -> list[Notice]:
    assert isinstance(to.target, MemoryTarget)
    return to.target.notices


def keys(to: Channel) -> list[str]:
    return [each.key for each in notices(to)]


def deliver(outbox: Outbox, clock: Clock, *channels: Channel) -> None:
    for each in channels:
        deliver_all(deliverer(each, outbox, clock))


def test_place_of_an_alert_is_that_of_the_registry() -> None:
    assert place_of(alert(), PLANT) == Place("Plant A", "hall 2", "Asia/Seoul")
    assert place_of(alert(subject="site-1", subject_kind="SITE"), PLANT) == Place("Plant A", None, "Asia/Seoul")
    assert place_of(alert(subject="unlisted"), PLANT) == Place("Plant A", None, "Asia/Seoul")
    assert place_of(alert(), NONE) == place_of(alert(site_id=None, subject="?"), PLANT) == NOWHERE


def test_place_is_fixed_when_the_transition_arrives(outbox: Outbox, database: dict[str, Any]) -> None:
    to = channel(MemoryTarget([UndeliveredError("down")]))
    outbox.add([alert()], [], [to], NOON)
    later, clock = known(NONE, database), Clock()
    deliver(later, clock, to)
    clock.advance(2)
    deliver(later, clock, to)
    later.close()
    assert [each.place for each in notices(to)] == [Place("Plant A", "hall 2", "Asia/Seoul")] * 2
    assert notices(to)[0].link == "https://fire.example.org/alerts/0f3a5c7e9b1d2f40"


def test_row_of_an_earlier_version_has_no_place(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    to = channel(MemoryTarget())
    outbox.add([alert()], [], [to], NOON)
    connection.execute("UPDATE notifications SET place = NULL, planned_at = NULL")
    deliver(outbox, Clock(), to)
    assert notices(to)[0].place == NOWHERE


def test_channel_hears_of_the_types_and_transitions_that_it_names() -> None:
    picky = channel(MemoryTarget(), alert_types=frozenset({"ARC_DETECTED"}), transitions=frozenset({"OPENED", "CLEARED"}))
    wanted = [(kind, transition) for kind in ("ARC_DETECTED", "GENERAL_RISK") for transition in ("OPENED", "REMINDED", "CLEARED")
              if picky.wants(alert(transition, alert_type=kind))]
    assert wanted == [("ARC_DETECTED", "OPENED"), ("ARC_DETECTED", "CLEARED")]


@pytest.mark.parametrize(("at", "end"), [
    ("2026-03-01T12:59:00Z", None), ("2026-03-01T13:00:00Z", "2026-03-01T22:00:00Z"), ("2026-03-01T22:00:00Z", None),
    ("2026-03-01T21:59:00Z", "2026-03-01T22:00:00Z"), ("2026-03-01T18:00:00Z", "2026-03-01T22:00:00Z"),
])  # fmt: skip
def test_quiet_hours_are_told_by_the_clocks_of_the_time_zone(at: str, end: str | None) -> None:
    moment = datetime.fromisoformat(at)
    assert NIGHT.end_of(moment) == (moment if end is None else datetime.fromisoformat(end))


def test_clock_time_that_is_skipped_in_spring_comes_an_hour_later_and_one_that_is_repeated_comes_once() -> None:
    spring, autumn = datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert next_time(spring, time(2, 30), "America/New_York") == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    first = next_time(autumn, time(1, 30), "America/New_York")
    assert first == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert next_time(first, time(1, 30), "America/New_York") == datetime(2026, 11, 2, 6, 30, tzinfo=UTC)


@settings(deadline=None)
@given(st.integers(0, 15 * 365 * 86_400).map(lambda seconds: NOON + timedelta(seconds=seconds)), st.times(), st.times(),
       st.sampled_from(["UTC", "Asia/Seoul", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/London"]))
def test_quiet_hours_end_within_a_day_and_nothing_is_quiet_at_their_end(at: datetime, begin: time, end: time, zone: str) -> None:
    if begin == end:
        return
    quiet = QuietHours(begin, end, zone)
    ends = quiet.end_of(at)
    assert at <= ends <= at + DAY + HOUR
    assert at < next_time(at, end, zone) <= at + DAY + HOUR


def test_in_quiet_hours_only_critical_alerts_come_at_once_and_reminders_never(outbox: Outbox) -> None:
    to, clock = channel(MemoryTarget(), quiet_hours=NIGHT), Clock(SEOUL_3AM)
    outbox.add([alert(alert_id="a"), alert("REMINDED", alert_id="a"), alert("CLEARED", alert_id="a"),
                alert(alert_id="fire", level="CRITICAL")], [], [to], clock.now)
    deliver(outbox, clock, to)
    assert keys(to) == ["fire:OPENED"]
    clock.now = SEOUL_7AM
    deliver(outbox, clock, to)
    assert keys(to)[1:] == ["a:OPENED", "a:CLEARED"]


def test_escalation_to_critical_in_quiet_hours_brings_the_alerts_opening_with_it(outbox: Outbox) -> None:
    to, clock = channel(MemoryTarget(), quiet_hours=NIGHT), Clock(SEOUL_3AM)
    outbox.add([alert(alert_id="a"), alert(alert_id="b")], [], [to], clock.now)
    outbox.add([alert("ESCALATED", alert_id="a", level="CRITICAL")], [], [to], clock.now)
    deliver(outbox, clock, to)
    assert keys(to) == ["a:OPENED", "a:ESCALATED:CRITICAL"]


def test_time_to_give_up_begins_after_quiet_hours(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    outbox.add([alert()], [], [channel(MemoryTarget(), quiet_hours=NIGHT)], SEOUL_3AM)
    assert rows(connection)[0]["give_up_at"] == SEOUL_7AM + HOUR and rows(connection)[0]["planned_at"] == SEOUL_7AM


def team(**changed: Any) -> tuple[Channel, Channel, Channel]:
    """Returns three channels, each of which hears if the one before it does not answer; only the first one hears at once."""
    never = {"min_level": "CRITICAL", "sites": frozenset({"nowhere"})}
    return (channel(MemoryTarget(), "night-shift", escalates_to="on-call", answers_within=10 * MINUTE, **changed),
            channel(MemoryTarget(), "on-call", escalates_to="manager", answers_within=20 * MINUTE, **never),
            channel(MemoryTarget(), "manager", **never))


def test_alert_that_nobody_acknowledges_goes_from_channel_to_channel(outbox: Outbox) -> None:
    first, second, third = team()
    clock = Clock()
    outbox.add([alert()], [], [first, second, third], NOON)
    for minutes, told in ((0, [1, 0, 0]), (9, [1, 0, 0]), (10, [1, 1, 0]), (29, [1, 1, 0]), (30, [1, 1, 1])):
        clock.now = NOON + minutes * MINUTE
        deliver(outbox, clock, first, second, third)
        assert [len(notices(each)) for each in (first, second, third)] == told, minutes
    assert keys(second) == ["0f3a5c7e9b1d2f40:UNACKNOWLEDGED:HIGH:night-shift"]
    assert notices(second)[0].title == "Not acknowledged: [HIGH] High temperature detected, device dev-07, site site-1"
    assert "First sent to: night-shift" in plain_text.text(notices(second)[0])


@pytest.mark.parametrize("handled", [
    {"acknowledged_at": NOON + MINUTE, "acknowledged_by": "kim"}, {"resolved_at": NOON + MINUTE, "resolved_by": "kim"},
    {"state": "CLEARED", "cleared_at": NOON + MINUTE}])
def test_escalation_is_cancelled_when_somebody_acknowledges_or_resolves_or_the_alert_clears(
        outbox: Outbox, connection: psycopg.Connection[Any], handled: dict[str, Any]) -> None:
    channels = team()
    outbox.add([alert()], [], channels, NOON)
    keep(connection, **handled)
    deliver(outbox, Clock(NOON + DAY / 2), *channels[1:])
    assert [each["state"] for each in rows(connection)] == ["PENDING", "CANCELLED", "CANCELLED"]
    assert keys(channels[1]) == keys(channels[2]) == []


@pytest.mark.parametrize("unhandled", [{}, {"resolved_at": NOON - MINUTE, "resolved_by": "kim"}])
def test_escalation_goes_on_while_the_alert_is_open(outbox: Outbox, connection: psycopg.Connection[Any],
                                                    unhandled: dict[str, Any]) -> None:
    channels = team()
    outbox.add([alert()], [], channels, NOON)
    keep(connection, **unhandled)
    deliver(outbox, Clock(NOON + 10 * MINUTE), *channels)
    assert len(notices(channels[1])) == 1


def test_end_of_an_alert_on_the_topic_cancels_its_escalations_at_once(outbox: Outbox) -> None:
    channels = team(transitions=frozenset({"OPENED"}))
    outbox.add([alert(), alert(alert_id="other")], [], channels, NOON)
    outbox.add([alert("CLEARED")], [], channels, NOON + MINUTE)
    outbox.add([alert(), alert("CLEARED")], [], channels, NOON + MINUTE)
    deliver(outbox, Clock(NOON + 10 * MINUTE), *channels)
    assert keys(channels[1]) == ["other:UNACKNOWLEDGED:HIGH:night-shift"] and keys(channels[2]) == []


def test_channel_that_was_escalated_to_hears_of_the_end(outbox: Outbox) -> None:
    first, second, third = team()
    outbox.add([alert()], [], [first, second, third], NOON)
    deliver(outbox, Clock(NOON + 10 * MINUTE), first, second, third)
    outbox.add([alert("CLEARED")], [], [first, second, third], NOON + 11 * MINUTE)
    deliver(outbox, Clock(NOON + HOUR), first, second, third)
    assert keys(second)[1:] == ["0f3a5c7e9b1d2f40:CLEARED"] and keys(third) == []


def test_waiting_escalation_does_not_hold_back_other_transitions_and_is_not_hurried_by_them(outbox: Outbox) -> None:
    first, _, _ = team()
    second = channel(MemoryTarget(), "on-call", min_level="CRITICAL")
    outbox.add([alert(), alert("ESCALATED", level="CRITICAL")], [], [first, second], NOON)
    deliver(outbox, Clock(), first, second)
    assert keys(second) == ["0f3a5c7e9b1d2f40:ESCALATED:CRITICAL"]
    deliver(outbox, Clock(NOON + 10 * MINUTE), second)
    assert keys(second)[1:] == [f"0f3a5c7e9b1d2f40:UNACKNOWLEDGED:{level}:night-shift" for level in ("CRITICAL", "HIGH")]


def test_time_to_answer_begins_after_quiet_hours(outbox: Outbox) -> None:
    channels = team(quiet_hours=NIGHT)
    outbox.add([alert()], [], channels, SEOUL_3AM)
    deliver(outbox, Clock(SEOUL_7AM + 9 * MINUTE), *channels)
    assert keys(channels[1]) == []
    deliver(outbox, Clock(SEOUL_7AM + 10 * MINUTE), *channels)
    assert len(keys(channels[1])) == 1


def test_reminders_are_not_escalated() -> None:
    assert len(route(alert("REMINDED"), NOWHERE, team(), NOON)) == 1
    assert [each.due_at - NOON for each in route(alert(), NOWHERE, team(), NOON)] == [0 * MINUTE, 10 * MINUTE, 30 * MINUTE]


def digesting(**changed: Any) -> Channel:
    return channel(MemoryTarget(), **{"min_level": "MEDIUM", "digest_at": time(8), "time_zone": "Asia/Seoul"} | changed)


def medium(transition: str = "OPENED", alert_id: str = "a", **changed: Any) -> dict[str, Any]:
    row = alert(transition, alert_id=alert_id, level="MEDIUM", message_en=f"[MEDIUM] {alert_id} {transition.lower()}. More.",
                message_ko=f"[주의] {alert_id} {transition}. 더.")
    return row | changed


SEOUL_8AM = datetime(2026, 3, 1, 23, tzinfo=UTC)


def test_medium_alerts_wait_for_the_digest_of_the_day_and_others_do_not(
        outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    to = digesting()
    outbox.add([medium(), medium("REMINDED"), medium(alert_id="b"), medium("CLEARED"), alert(alert_id="c")], [], [to], NOON)
    deliver(outbox, Clock(SEOUL_8AM - MINUTE), to)
    assert keys(to) == ["c:OPENED"]
    deliver(outbox, Clock(SEOUL_8AM), to)
    digest = notices(to)[1]
    assert digest.title == "Digest of alerts of level MEDIUM: 2"
    assert [each.title for each in digest.digest] == ["[MEDIUM] b opened", "[MEDIUM] a cleared"]
    assert "- [MEDIUM] b opened (2025-10-09 18:00:00 UTC+09:00)" in plain_text.text(digest)
    deliver(outbox, Clock(SEOUL_8AM + DAY), to)
    assert len(keys(to)) == 2 and {each["state"] for each in rows(connection)} == {"DELIVERED", "IN_DIGEST"}


def test_alert_that_rose_above_medium_is_not_in_the_digest(outbox: Outbox) -> None:
    to = digesting()
    outbox.add([medium(), alert("ESCALATED", alert_id="a")], [], [to], NOON)
    deliver(outbox, Clock(), to)
    deliver(outbox, Clock(SEOUL_8AM), to)
    assert keys(to) == ["a:ESCALATED:HIGH"]


def test_each_day_and_each_channel_has_a_digest_of_its_own(outbox: Outbox) -> None:
    both = digesting(), digesting(name="post", language="ko", digest_at=time(9))
    outbox.add([medium()], [], both, NOON)
    outbox.add([medium(alert_id="b")], [], both, NOON + DAY)
    deliver(outbox, Clock(SEOUL_8AM), *both)
    assert [len(notices(each)) for each in both] == [1, 0]
    deliver(outbox, Clock(SEOUL_8AM + DAY), *both)
    assert [[len(each.digest) for each in notices(to)] for to in both] == [[1, 1], [1]]
    assert notices(both[1])[0].title == "주의 단계 경보 요약: 1건"


def test_every_format_has_the_lines_of_a_digest(outbox: Outbox) -> None:
    to = digesting()
    outbox.add([medium(), medium(alert_id="b")], [], [to], NOON)
    deliver(outbox, Clock(SEOUL_8AM), to)
    made = notices(to)[0]
    formats = [json.dumps(slack.payload(made)), json.dumps(teams.payload(made)), plain_text.text(made), plain_text.html(made),
               text_message.text(made), webhook_json.payload(made).decode()]
    for said in formats:
        assert "[MEDIUM] a opened" in said and "[MEDIUM] b opened" in said and "https://fire.example.org/alerts" in said
    assert json.loads(formats[-1])["alert"]["transition"] == "DIGEST" and "dev-07" not in plain_text.text(made)


def test_medium_alert_of_a_digest_is_not_escalated() -> None:
    to = digesting(escalates_to="post", answers_within=MINUTE)
    assert len(route(medium(), NOWHERE, [to, channel(MemoryTarget(), "post")], NOON)) == 1


def test_alerts_of_test_devices_go_to_nobody_but_channels_that_ask_for_them(outbox: Outbox) -> None:
    people, lab = channel(MemoryTarget(), "people"), channel(MemoryTarget(), "lab", test_devices=True)
    trial = [alert(transition, alert_id="t", subject="trial", site_id="lab") for transition in ("OPENED", "CLEARED")]
    outbox.add([*trial, alert(alert_id="s", subject="lab", subject_kind="SITE", site_id="lab"), alert(alert_id="d")], [],
               [people, lab], NOON)
    deliver(outbox, Clock(), people, lab)
    assert keys(people) == ["d:OPENED"] and keys(lab) == ["t:OPENED", "t:CLEARED", "s:OPENED", "d:OPENED"]
    assert "Test: this is a test device" in plain_text.text(notices(lab)[0])
    assert "Test:" not in plain_text.text(notices(people)[0])


def test_test_alert_is_escalated_only_to_channels_that_ask_for_it() -> None:
    lab = channel(MemoryTarget(), "lab", test_devices=True, escalates_to="on-call", answers_within=MINUTE)
    trial = Place(is_test=True)
    for asks in (False, True):
        on_call = channel(MemoryTarget(), "on-call", sites=frozenset({"x"}), test_devices=asks)
        assert len(route(alert(), trial, [lab, on_call], NOON)) == 1 + asks
