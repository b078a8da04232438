"""Tests the formats of notifications: what they say, in which language, and that they stay within each service's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.bounds import cut, json_bytes, lines_within, units
from services.notify.chats import PagerDuty, Slack, Teams
from services.notify.content import content
from services.notify.endpoint import Endpoint
from services.notify.formats import pagerduty, plain_text, slack, teams, text_message, webhook_json
from services.notify.notification import Notice, UndeliveredError, idempotency_key
from services.notify.place import NOWHERE, Place
from tests.support.receivers import NOON, Receiver, alert, receiving
from tests.support.waiting import DEADLINE_SECONDS

INCHEON = Place("Plant A, Incheon", "hall 2", "Asia/Seoul")
DASHBOARD = "https://fire.example.org"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
ADVICE = {"recommendations_ko": ["지금 즉시 현장을 점검하십시오.", "전원 차단을 검토하십시오."],
          "recommendations_en": ["Inspect on site now.", "Consider cutting off the power."]}
ARCS = {"name": "arc_count", "value": 3, "unit": "", "limit": 0, "points": 0.3, "text": "arcs"}


def notice(language: str = "en", place: Place = INCHEON, dashboard: str = DASHBOARD, **changed: Any) -> Notice:
    row = alert(**{"explanation": [*alert()["explanation"], ARCS]} | ADVICE | changed)
    return Notice(idempotency_key(row), 1, "control-room", language, row, place, dashboard)


def texts(value: Any) -> Iterator[str]:
    """Yields every text of a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from texts(each)


def said_by_all(made: Notice) -> list[str]:
    """Returns the whole text of each long format of a notice."""
    documents = [slack.payload(made), teams.payload(made), json.loads(webhook_json.payload(made)),
                 pagerduty.event(made, ROUTING_KEY)]
    return ["\n".join(texts(each)) for each in documents] + [plain_text.text(made), plain_text.html(made)]


@pytest.mark.parametrize(("language", "expected"), [
    ("en", ["0.60", "Plant A, Incheon (site-1)", "hall 2", "dev-07", "2025-10-09 18:00:00 UTC+09:00", "63.2 °C (limit 60 °C)",
            "arcs 3 (limit 0)", "221.65 V", "6.01 A", "0.75 mA", "Circuit board temperature alarm", "Inspect on site now.",
            "Consider cutting off the power.", f"{DASHBOARD}/alerts/0f3a5c7e9b1d2f40"]),
    ("ko", ["0.60", "Plant A, Incheon (site-1)", "hall 2", "dev-07", "2025-10-09 18:00:00 UTC+09:00", "63.2 °C(기준 60 °C)",
            "아크 횟수 3(기준 0)", "221.65 V", "전류", "기판(PCB) 온도 경보", "지금 즉시 현장을 점검하십시오.",
            "전원 차단을 검토하십시오.", f"{DASHBOARD}/alerts/0f3a5c7e9b1d2f40"]),
])  # fmt: skip
def test_every_format_says_risk_place_time_hazards_measurements_actions_and_link(language: str, expected: list[str]) -> None:
    for said in said_by_all(notice(language)):
        assert [each for each in expected if each not in said] == []


def test_without_registry_and_dashboard_the_time_is_utc_and_there_is_no_link() -> None:
    for said in said_by_all(notice(place=NOWHERE, dashboard="")):
        assert "2025-10-09 09:00:00 UTC" in said and "site-1" in said
        assert "http" not in said.replace("http://adaptivecards.io", "")


def test_alert_of_a_site_names_the_site_once_and_no_device() -> None:
    facts = dict(content(notice(subject="site-1", subject_kind="SITE")).facts)
    assert facts["Site"] == "Plant A, Incheon (site-1)" and "Device" not in facts


def test_time_of_opening_is_said_when_it_is_another_and_what_maintenance_held_back() -> None:
    facts = dict(content(notice(event_time="2025-10-09T09:30:00.000Z", was_held=True)).facts)
    assert facts["Open since"] == "2025-10-09 18:00:00 UTC+09:00 (held back during maintenance)"


def test_mail_is_laid_out_with_the_most_important_first() -> None:
    assert plain_text.text(notice()).splitlines()[:12] == [
        "[HIGH] High temperature detected, device dev-07, site site-1", "", "Risk score: 0.60",
        "Site: Plant A, Incheon (site-1)", "Zone: hall 2", "Device: dev-07", "Time: 2025-10-09 18:00:00 UTC+09:00", "",
        "Hazards:", "- circuit board temperature 63.2 °C (limit 60 °C)", "- arcs 3 (limit 0)", ""]


def test_html_escapes_what_devices_are_called() -> None:
    page = plain_text.html(notice(subject="<img src=x onerror=alert(1)>", message_en="", dashboard='https://h/"><script>'))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(page)
    assert not {"img", "script"} & set(tags) and "a" in tags and "&lt;img" in page


def test_text_message_has_the_most_important_first_and_fits_the_plain_alphabet() -> None:
    said = text_message.text(notice())
    assert said == ("[HIGH] High temperature detected, device dev-07, site site-1. Inspect on site now. Plant A, Incheon "
                    "(site-1), hall 2. Risk score 0.60. circuit board temperature 63.2 C (limit 60 C). arcs 3 (limit 0). "
                    f"{DASHBOARD}/alerts/0f3a5c7e9b1d2f40 2025-10-09 18:00:00 UTC+09:00")
    assert text_message.segments(said) == 2


@pytest.mark.parametrize(("message", "count"), [
    ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2), ("€" * 152, 2), ("€" * 153, 3),
    ("불" * 70, 1), ("불" * 71, 2), ("불" * 134, 2), ("불" * 135, 3), ("🔥" * 35, 1), ("🔥" * 66, 2), ("🔥" * 67, 3), ("", 1),
])  # fmt: skip
def test_segments_are_counted_as_phones_do(message: str, count: int) -> None:
    assert text_message.segments(message) == count


ROW = st.fixed_dictionaries({}, optional={
    "subject": st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=250),
    "site_id": st.text(max_size=250),
    "message_en": st.text(max_size=6000), "message_ko": st.text(st.sampled_from("불이야 <&>🔥\"\\"), max_size=6000),
    "transition": st.sampled_from(["OPENED", "ESCALATED", "REMINDED", "CLEARED"]),
    "level": st.sampled_from(["MEDIUM", "HIGH", "CRITICAL"]), "subject_kind": st.sampled_from(["SITE", "DEVICE"]),
    "recommendations_en": st.lists(st.text(max_size=2000), max_size=40) | st.none(), "status_bits": st.integers(-1, 1 << 70),
    "explanation": st.lists(st.fixed_dictionaries({
        "name": st.text(max_size=400), "value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "unit": st.none() | st.text(max_size=40), "limit": st.none() | st.integers(-(1 << 70), 1 << 70)}) | st.integers(),
        max_size=60), "opened_at": st.text(max_size=64), "last_seen": st.text(max_size=30),
    "voltage": st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=9) | st.booleans()})
PLACE = st.builds(Place, st.none() | st.text(max_size=250), st.none() | st.text(max_size=250),
                  st.sampled_from([None, "Asia/Seoul", "America/New_York"]), st.booleans())
NOTICE = st.builds(lambda language, place, dashboard, row: notice(language, place, dashboard, **row),
                   st.sampled_from(["en", "ko"]), PLACE, st.sampled_from(["", DASHBOARD, DASHBOARD + "/x" * 1600]), ROW)


@settings(deadline=None)
@given(NOTICE)
def test_slack_message_stays_within_the_limits_of_its_blocks(made: Notice) -> None:
    message = slack.payload(made)
    blocks = message["blocks"]
    assert 1 <= len(blocks) <= 50 and 1 <= units(message["text"]) <= 4000
    assert not set(message["text"].replace("&lt;", "").replace("&gt;", "").replace("&amp;", "")) & set("<>&")
    for block in blocks:
        plain = [*block.get("elements", []), *block.get("fields", []), *([block["text"]] if "text" in block else [])]
        assert block["type"] in {"header", "section", "actions", "context"} and 1 <= len(plain) <= 10
        for each in plain:
            longest = {"header": 150, "section": 2000 if "fields" in block else 3000}.get(block["type"], 2000)
            if each["type"] == "button":
                assert 1 <= len(each["text"]["text"]) <= 75 and len(each["url"]) <= 3000
            else:
                assert each["type"] == "plain_text" and 1 <= units(each["text"]) <= longest


@settings(deadline=None)
@given(NOTICE)
def test_teams_card_is_small_enough_and_has_no_markdown(made: Notice) -> None:
    message = teams.payload(made)
    assert len(json.dumps(message, ensure_ascii=False).encode()) <= 28_000
    attachment = message["attachments"][0]
    assert message["type"] == "message" and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard" and {each["type"] for each in card["body"]} == {"RichTextBlock"}
    assert all(run["type"] == "TextRun" and run["text"] for each in card["body"] for run in each["inlines"])


@settings(deadline=None)
@given(NOTICE)
def test_pagerduty_event_has_the_required_fields_within_their_limits(made: Notice) -> None:
    event = pagerduty.event(made, ROUTING_KEY)
    assert event["routing_key"] == ROUTING_KEY and 1 <= len(event["dedup_key"]) <= 255
    assert event["dedup_key"] == made.alert["alert_id"]
    assert event["event_action"] == ("resolve" if made.alert["transition"] == "CLEARED" else "trigger")
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 512 * 1024
    if event["event_action"] == "trigger":
        payload = event["payload"]
        assert 1 <= units(payload["summary"]) <= 1024 and payload["source"]
        assert payload["severity"] in {"critical", "error", "warning", "info"}


@settings(deadline=None)
@given(NOTICE)
def test_text_message_never_needs_more_than_two_segments(made: Notice) -> None:
    said = text_message.text(made)
    assert said and text_message.segments(said) <= 2 and "\n" not in said


@settings(deadline=None)
@given(NOTICE)
def test_text_and_html_contain_no_characters_that_act(made: Notice) -> None:
    for said in (plain_text.text(made), plain_text.html(made), json.loads(webhook_json.payload(made))["title"]):
        assert not set(said) & set("\r\0\x1b\u202e\u2066\u200f")


@given(st.text(max_size=50), st.integers(3, 60))
def test_cut_text_is_never_longer_than_its_bound(text: str, longest: int) -> None:
    assert units(cut(text, longest)) <= longest and (cut(text, longest) == text or cut(text, longest).endswith("..."))


@given(st.lists(st.text(max_size=20), max_size=9), st.integers(10, 120))
def test_lines_that_are_kept_fit_and_a_gap_is_marked(lines: list[str], longest: int) -> None:
    kept = lines_within(lines, longest, json_bytes)
    assert json_bytes("\n".join(kept)) <= longest
    assert kept == lines or kept[-1].endswith("...")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def endpoint(receiver: Receiver) -> Endpoint:
    return Endpoint(url=receiver.url, allow_private=True, timeout=DEADLINE_SECONDS)


def test_slack_teams_and_pagerduty_receive_their_payloads(receiver: Receiver) -> None:
    made, to = notice("ko"), endpoint(receiver)
    for target in (Slack(endpoint=to), Teams(endpoint=to), PagerDuty(endpoint=to, routing_key=ROUTING_KEY)):
        assert target.send(made, NOON) == ""
    assert [json.loads(call.body) for call in receiver.calls] == [
        slack.payload(made), teams.payload(made), pagerduty.event(made, ROUTING_KEY)]
    assert {call.headers["Content-Type"] for call in receiver.calls} == {"application/json; charset=utf-8"}
    assert receiver.keys == [made.key] * 3


def test_end_of_an_alert_resolves_what_its_opening_triggered(receiver: Receiver) -> None:
    target = PagerDuty(endpoint=endpoint(receiver), routing_key=ROUTING_KEY)
    for transition in ("OPENED", "ESCALATED", "CLEARED"):
        target.send(notice(transition=transition), NOON)
    events = [json.loads(call.body) for call in receiver.calls]
    assert [each["event_action"] for each in events] == ["trigger", "trigger", "resolve"]
    assert len({each["dedup_key"] for each in events}) == 1


def test_form_that_is_refused_is_sent_once_more_in_its_simplest_form(receiver: Receiver) -> None:
    made, to = notice(), endpoint(receiver)
    for target in (Slack(endpoint=to), Teams(endpoint=to), PagerDuty(endpoint=to, routing_key=ROUTING_KEY)):
        receiver.answers.append(400)
        assert target.send(made, NOON).startswith("only in its simplest form, because 127.0.0.1 answered 400")
    simple = [json.loads(call.body) for call in receiver.calls[1::2]]
    assert simple == [slack.simplest(made), teams.simplest(made), pagerduty.simplest(made, ROUTING_KEY)]
    assert all("High temperature detected, device dev-07" in json.dumps(each) for each in simple)
    assert set(simple[2]["payload"]) == {"summary", "source", "severity"}


@pytest.mark.parametrize(("answers", "is_final"), [([400, 400], True), ([403], False), ([410], False), ([429], False),
                                                   ([500], False)])
def test_refused_message_is_a_failed_attempt_that_shows_no_secret(receiver: Receiver, answers: list[int], is_final: bool) -> None:
    to = endpoint(receiver)
    for target in (Slack(endpoint=to), Teams(endpoint=to), PagerDuty(endpoint=to, routing_key=ROUTING_KEY)):
        receiver.answers.extend(answers)
        with pytest.raises(UndeliveredError, match=f"^127.0.0.1 answered {answers[0]}") as failure:
            target.send(notice(), NOON)
        assert failure.value.is_final == is_final
        assert "unit=7" not in str(failure.value) + repr(target) and ROUTING_KEY not in str(failure.value) + repr(target)


@settings(deadline=None)
@given(NOTICE)
def test_simplest_forms_stay_within_the_limits_too(made: Notice) -> None:
    assert 1 <= units(slack.simplest(made)["text"]) <= 4000
    assert len(json.dumps(teams.simplest(made), ensure_ascii=False).encode()) <= 28_000
    assert pagerduty.simplest(made, ROUTING_KEY)["dedup_key"] == made.alert["alert_id"]
