"""Tests how the dashboard formats numbers, times, bytes, links and shares, and which language it chooses."""

from __future__ import annotations

import base64
import math

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard import presentation
from services.dashboard.auth import locale
from services.dashboard.auth.locale import local_path
from services.dashboard.views import doughnut, series
from udfs.readings.scoring import LEVELS


@pytest.fixture(scope="module")
def app() -> Flask:
    made = Flask(__name__)
    made.register_blueprint(locale.blueprint)
    return made


@pytest.mark.parametrize(("value", "unit", "text"), [
    (72.4, "°C", "72.4\u00a0°C"), (60.0, "°C", "60\u00a0°C"), (100.0, "", "100"), (1234.567, "V", "1,234.57\u00a0V"),
    (None, "°C", "–"), (0.0, "mA", "0\u00a0mA"), (3, None, "3")])
def test_a_quantity_has_its_unit_and_no_trailing_zeros(value: float | None, unit: str | None, text: str) -> None:
    assert presentation.quantity(value, unit) == text


@pytest.mark.parametrize(("count", "text"), [(None, "–"), (999, "999\u00a0B"),
    (12_345_678, "12.3\u00a0MB"), (5e12, "5,000\u00a0GB")])
def test_sizes_are_formatted_for_people(count: float | None, text: str) -> None:
    assert presentation.size(count) == text


def test_a_time_has_utc_for_the_script_and_for_browsers_without_one() -> None:
    assert presentation.stamp("2025-10-09T18:00:00.959+09:00") == (
        '<time datetime="2025-10-09T09:00:00Z" title="2025-10-09 09:00:00 UTC" data-style="time">2025-10-09 09:00:00 UTC</time>')
    assert presentation.stamp(None) == "–"


def test_an_id_is_one_segment_of_a_path_whatever_it_contains() -> None:
    assert presentation.path_part("a/b?c=d&e#f 1") == "a%2Fb%3Fc%3Dd%26e%23f%201"


def test_bytes_are_shown_as_text_if_printable_and_else_as_a_dump() -> None:
    assert presentation.decoded(base64.b64encode('{"온도": 1}'.encode()).decode()) == '{"온도": 1}'
    assert presentation.decoded(base64.b64encode(b"\xff\x00ABC").decode()) == f"000000  {'ff 00 41 42 43':<47}  ..ABC"
    assert presentation.decoded(None) == ""


@given(st.binary(max_size=5000))
def test_any_bytes_can_be_shown_and_are_cut(raw: bytes) -> None:
    shown = presentation.decoded(base64.b64encode(raw).decode())
    assert len(shown) <= 128 * 80 and not presentation.UNPRINTABLE.search(shown)


@pytest.mark.parametrize(("part", "whole", "hundredths"), [(1, 4, 25), (0, 0, 0), (None, 1, 0), (3, 2, 100), (-1, 2, 0)])
def test_a_share_is_between_0_and_100(part: float | None, whole: float, hundredths: int) -> None:
    assert presentation.share(part, whole) == hundredths


def test_a_reason_that_the_catalogue_does_not_have_is_shown_with_its_detail() -> None:
    reason = {"code": "NEWER", "values": {}, "detail": "something that a later version noticed"}
    assert presentation.reason_text(reason, "ko") == "something that a later version noticed"
    lag = {"code": "LAG", "values": {"group": "fire-store", "topic": "readings", "lag": 12_000}, "detail": ""}
    assert presentation.reason_text(lag, "ko") == "fire-store이(가) readings에서 메시지 12,000건 뒤처져 있습니다."


def test_an_alert_with_an_event_after_its_resolution_is_not_resolved() -> None:
    alert = {"resolved_at": "2025-10-09T09:00:00.000Z", "event_time": "2025-10-09T08:59:00.000Z"}
    assert presentation.is_resolved(alert)
    assert not presentation.is_resolved(alert | {"event_time": "2025-10-09T09:15:00.000Z"})
    assert not presentation.is_resolved(alert | {"resolved_at": None})


@given(st.dictionaries(st.sampled_from(LEVELS), st.integers(0, 10**7)))
def test_arcs_of_the_doughnut_fill_the_circle_and_every_level_with_devices_is_visible(counts: dict[str, int]) -> None:
    arcs = doughnut.arcs(counts)
    assert {arc.level: arc.devices for arc in arcs} == {level: count for level, count in counts.items() if count}
    assert all(arc.length >= doughnut.LEAST - 0.01 for arc in arcs)
    around = sum(arc.length + doughnut.GAP * (len(arcs) > 1) for arc in arcs)
    assert not arcs or math.isclose(around, doughnut.AROUND, abs_tol=0.05)


def test_quarters_of_an_hour_have_the_highest_values_and_the_total_of_arcs() -> None:
    minutes = [f"2025-10-09T09:{minute:02d}:00.000Z" for minute in (1, 14, 15, 29)]
    day = {"minutes": minutes, "arcs": [1, 2, None, None], **{name: [20.0, 31.0, None, None] for name in series.MEASURED}}
    assert series.quarters(day) == [
        {"start": "2025-10-09T09:00:00.000Z", "arcs": 3, **dict.fromkeys(series.MEASURED, 31.0)}]


@pytest.mark.parametrize(("asked", "cookie", "accepted", "chosen"), [
    ("", "", "ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("", "", "fr-FR,fr", "en"), ("", "", "", "en"), ("", "en", "ko", "en"),
    ("ko", "en", "en", "ko"), ("de", "de", "ko", "ko")])
def test_the_language_is_that_of_the_url_the_cookie_or_the_browser(asked: str, cookie: str, accepted: str, chosen: str,
                                                          app: Flask) -> None:
    headers = {"Cookie": f"language={cookie}", "Accept-Language": accepted}
    with app.test_request_context(f"/?lang={asked}", headers=headers):
        assert locale.chosen() == chosen


def test_the_switch_stores_the_language_and_returns(app: Flask) -> None:
    answer = app.test_client().post("/language", data={"lang": "ko", "next": "/alerts?state=all"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/alerts?state=all")
    assert "language=ko" in answer.headers["Set-Cookie"] and "SameSite=Lax" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["https://example.org", "//example.org", "///example.org", "/\\example.org", "/\t/example.org",
                                  "javascript:alert(1)", "", None, "alerts", "/a\r\nSet-Cookie: x=1"])
def test_a_return_address_on_another_host_is_refused(path: str | None) -> None:
    assert local_path(path) == "/"
