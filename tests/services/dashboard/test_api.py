"""Tests the dashboard's API against its OpenAPI description: every route, every response schema, every parameter of a list."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from services.dashboard.api import document
from services.dashboard.views.exports import FORMULA, cell
from services.dashboard.views.window_results import WINDOWS
from tests.support.dashboards import Dashboard, fleet

__all__ = ["fleet"]
READS = {
    "/api/overview": "Overview", "/api/metrics": "Metrics", "/api/sites": "SitePage", "/api/sites/site-0": "Site",
    "/api/devices": "DevicePage", "/api/devices/dev-00008": "DeviceDetail", "/api/device/dev-00008": "DeviceDetail",
    "/api/realtime/dev-00008": "Realtime", "/api/alerts?state=all": "AlertPage", "/api/alerts/alert-00001": "AlertDetail",
    "/api/results/device-minutes/dev-00008": "WindowResultPage",
    "/api/pipeline": "Pipeline", "/api/session": "Session", "/healthz": "Well", "/readyz": "Well",
}  # fmt: skip


def check(value: Any, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    jsonschema.validate(value, whole, jsonschema.Draft202012Validator)


def problem(answer: Any, status: int) -> str:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.get_data(as_text=True)
    check(answer.get_json(), "Problem")
    detail: str = answer.get_json()["detail"]
    return detail


def pages(fleet: Dashboard, path: str, key: str) -> Iterator[str]:
    """Yields the keys of a list's items, page by page."""
    following: str | None = ""
    while following is not None:
        page = fleet.get(f"{path}{'&' if '?' in path else '?'}limit=7&cursor={following}")
        yield from (item[key] for item in page["items"])
        following = page["next"]


def test_the_description_is_valid_openapi() -> None:
    validate(document())


def test_the_description_names_every_route_of_the_api_and_no_other(fleet: Dashboard) -> None:
    routes = {(re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule), method.lower()) for rule in fleet.app.url_map.iter_rules()
              for method in rule.methods - {"HEAD", "OPTIONS"} if rule.endpoint.startswith("api.")}
    described = {(path, method) for path, item in document()["paths"].items() for method in item}
    assert routes == described


@pytest.mark.parametrize("path", READS)
def test_a_response_matches_its_described_schema(fleet: Dashboard, path: str) -> None:
    check(fleet.get(path), READS[path])


def test_an_alert_has_its_explanation_measurements_and_both_languages(fleet: Dashboard) -> None:
    alert = fleet.get("/api/alerts/alert-00001")
    assert alert["explanation"][0]["limit"] == 65.0 and alert["measurements"]["max_temperature"] == 72.4
    assert alert["message"] == {"en": "[HIGH] High temperature detected", "ko": "[경계] 고온 감지"}
    assert [each["transition"] for each in alert["transitions"]] == ["OPENED"]


def test_the_overview_counts_devices_and_puts_the_worst_and_newest_alerts_first(fleet: Dashboard) -> None:
    overview = fleet.get("/api/overview")
    assert overview["devices"] == {"total": 60, "active_5min": 54, "silent": 6,
                                   "by_level": {"CRITICAL": 12, "HIGH": 12, "MEDIUM": 12, "LOW": 12, "NORMAL": 12}}
    order = [(alert["level"], alert["opened_at"]) for alert in overview["alerts"]["items"]]
    rank = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2}
    assert overview["alerts"]["open"] == len(order) == 12
    assert [level for level, _ in order] == sorted((level for level, _ in order), key=rank.__getitem__)
    assert all(first[1] >= second[1] for first, second in itertools.pairwise(order) if first[0] == second[0])
    assert overview["risk_last_hour"] == {"mean": pytest.approx(0.3), "max": 0.8}
    assert overview["readings_per_second"] == 60.0
    assert overview["sites"][0]["site_id"] == "site-0"


@pytest.mark.parametrize(("path", "key", "count"), [("/api/devices", "device_id", 60), ("/api/alerts?state=all", "alert_id", 24),
                                                    ("/api/sites", "site_id", 3), ("/api/devices?site=site-1", "device_id", 20)])
def test_pages_of_a_list_contain_every_item_once(fleet: Dashboard, path: str, key: str, count: int) -> None:
    keys = list(pages(fleet, path, key))
    assert len(keys) == len(set(keys)) == count == fleet.get(path)["total"]


@pytest.mark.parametrize(("topic", "subject", "count"), [("device-minutes", "dev-00008", 10), ("site-risk", "site-1", 10),
                                                         ("device-minutes", "nobody", 0)])
def test_pages_of_a_window_result_contain_every_row_of_a_subject_newest_first(
        fleet: Dashboard, topic: str, subject: str, count: int) -> None:
    key = "minute_end" if topic == "device-minutes" else "window_end"
    ends = list(pages(fleet, f"/api/results/{topic}/{subject}", key))
    assert ends == sorted(set(ends), reverse=True)
    assert len(ends) == count == fleet.get(f"/api/results/{topic}/{subject}")["total"]


def test_a_row_of_a_window_result_has_the_columns_of_its_topic(fleet: Dashboard) -> None:
    for topic, result in WINDOWS.items():
        for row in fleet.get(f"/api/results/{topic}/site-1")["items"] + fleet.get(f"/api/results/{topic}/dev-00008")["items"]:
            assert row.keys() == {column.name for column in result.columns}
    assert {"arc-patterns", "device-correlations", "device-minutes", "device-patterns", "site-risk"} <= WINDOWS.keys()


def test_dead_letters_are_paged_and_have_bytes_and_text(fleet: Dashboard) -> None:
    first = fleet.get("/api/pipeline?limit=20")["dead_letters"]
    second = fleet.get(f"/api/pipeline?limit=20&cursor={first['next']}")["dead_letters"]
    assert (len(first["items"]), len(second["items"]), second["next"], second["total"]) == (20, 10, None, 30)
    assert [(each["bytes"], each["text"], each["size"]) for each in first["items"][:3]] == [
        ("/w==", None, 1), (None, None, 0), ("e30=", "{}", 2)]


@pytest.mark.parametrize(("query", "count"), [
    ("state=open", 12), ("state=cleared", 12), ("state=acknowledged", 0), ("state=resolved", 0), ("state=all&level=CRITICAL", 6),
    ("state=all&type=ARC_DETECTED", 8), ("state=all&site=site-1", 4), ("state=all&q=dev-0000", 10), ("state=all&q=dev_0", 0),
    ("state=all&until=2026-03-02T11:58:40Z", 16), ("state=all&since=2026-03-02T20:58:40%2B09:00", 8),
    ("state=all&since=2026-03-03", 0), ("level=&type=&site=&since=&q=", 12),
])
def test_alerts_are_filtered(fleet: Dashboard, query: str, count: int) -> None:
    page = fleet.get(f"/api/alerts?{query}")
    assert (page["total"], len(page["items"])) == (count, count)


@pytest.mark.parametrize(("query", "count"), [("active=true", 54), ("active=false", 6), ("level=HIGH", 12), ("q=dev-0001", 10)])
def test_devices_are_filtered(fleet: Dashboard, query: str, count: int) -> None:
    assert fleet.get(f"/api/devices?{query}&limit=200")["total"] == count


def test_a_device_has_24_hours_of_minutes_with_gaps_thresholds_and_latest_messages(fleet: Dashboard) -> None:
    device = fleet.get("/api/devices/dev-00008")
    series = device["series"]
    assert {len(values) for values in series.values()} == {1440}
    assert series["temperature"][-10:] == [31.5] * 10 and series["temperature"][-11] is None
    assert series["voltage"][-1] == 220.5 and series["voltage"][-3] is None
    assert series["minutes"][-1] == "2026-03-02T12:00:00.000Z"
    assert device["thresholds"]["voltage"] == [190.0, 234.0] and device["patterns"]["trend"] == "RISING"
    assert [message["idx"] for message in device["messages"]] == [100, 99, 98, 97, 96]
    assert device["recommendations"]["en"] == ["Consider cutting off the power."]


def test_alarm_bits_have_names(fleet: Dashboard) -> None:
    assert fleet.get("/api/devices/dev-00005")["alarms"] == ["pcb_temp_alarm", "arc_alarm"]


@pytest.mark.parametrize(("path", "status", "reason"), [
    ("/api/devices/nobody", 404, "no device nobody"), ("/api/sites/nowhere", 404, "no site nowhere"),
    ("/api/alerts/none", 404, "no alert none"), ("/api/nothing", 404, ""), ("/api/devices?limit=201", 400, "1 to 200"),
    ("/api/devices?limit=0", 400, "1 to 200"), ("/api/devices?cursor=zzz", 400, "cursor"), ("/api/alerts?level=X", 400, "level"),
    ("/api/alerts?since=yesterday", 400, "since"), ("/api/alerts?cursor=WzFd", 400, "cursor"), ("/api/alerts?q=%00", 400, "q"),
    ("/api/alerts?cursor=WyJub3ciLCAxXQ", 400, "cursor"), ("/api/realtime/nobody", 404, "nobody"),
    ("/api/results/readings/dev-00008", 404, "the results are arc-patterns"),
    ("/api/results/device-minutes/dev-00008?cursor=WyJub3ciXQ", 400, "cursor"),
    ("/api/results/device-minutes/dev-00008?cursor=WzFd", 400, "cursor"),
])
def test_an_error_is_a_problem_that_names_the_cause(fleet: Dashboard, path: str, status: int, reason: str) -> None:
    assert reason in problem(fleet.client.get(path), status)


def test_a_wrong_method_is_a_problem_that_names_the_allowed_ones(fleet: Dashboard) -> None:
    token = fleet.get("/api/session")["csrf_token"]
    answer = fleet.client.post("/api/overview", headers={"X-CSRFToken": token})
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_the_export_has_every_alert_of_the_filter_and_opens_as_a_table(fleet: Dashboard) -> None:
    answer = fleet.client.get("/alerts.csv?state=all&level=CRITICAL")
    text = answer.get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="alerts.csv"'
    assert len(rows) == 6 and {row["level"] for row in rows} == {"CRITICAL"} and rows[0]["message_ko"] == "[경계] 고온 감지"


@pytest.mark.parametrize("text", [f"{first}cmd|' /C calc'!A0" for first in FORMULA] + ["  =1+1"])
def test_no_text_of_the_export_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(-1.5) == -1.5


def test_every_response_has_the_security_headers(fleet: Dashboard) -> None:
    for path in ("/api/overview", "/api/nothing", "/", "/nothing", "/static/icon.svg"):
        headers = fleet.client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
    assert fleet.client.get("/api/overview").headers["Cache-Control"] == "no-store"


def test_requests_for_unknown_host_names_are_refused(fleet: Dashboard) -> None:
    assert fleet.client.get("/api/overview", headers={"Host": "evil.example.org"}).status_code == 400
    assert fleet.client.get("/api/overview", headers={"Host": "localhost:8080"}).status_code == 200
