"""Whatever numbers and texts the tables hold and requests ask for, every route of the dashboard answers."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from services.dashboard import json_text
from services.dashboard.live.stream import event
from services.dashboard.presentation import decoded, number, quantity, share
from services.dashboard.views.exports import cell
from services.dashboard.views.paging import cursor, position
from services.dashboard.views.window_results import WINDOWS
from tests.services.dashboard.test_api import READS, check
from tests.support.dashboards import NOW, Dashboard, dashboard
from tests.support.databases import Server

NAN, INFINITY = float("nan"), float("inf")
NUMBERS = (3.4e38, -3.4e38, 1.7e308, 1.7e308, -1.7e308, 5e-324, NAN, INFINITY, -INFINITY, -0.0)
WHOLE = (2**63 - 1, -(2**63), 2**63 - 1, 2**53 + 1, -1, 0, 4096, 1, 2, 3)
TEXTS = ("장치 ½ é", "𒀀" * 64, "<b>\"&'{x}%s%(y)s", "\u202e\u2066\u200d", "=1+1", "../..", "a/b?c#d",
         "\u0085\u2028", "NULL", "e\u0301")
"""Ids; each case has one, behind a number that no other has."""
LISTS = (
    '[{"name": "sensor_temperature", "value": 3.4e38, "unit": "°C", "limit": -3.4e38, "points": 1e400, "text": "t"}]',
    '[{"name": "x", "value": 1e1000, "unit": 5, "limit": "high", "points": null}]',
    '[{"name": 7}, {"value": 1}, null, [[]], "t", 1e300]',
    "[" * 900 + "]" * 900, "{}", '"text"', "3.4e38", "null", '["한글", 5, {"a": [1e999]}]', '[{"name": "voc", "value": 1e-400}]',
)  # fmt: skip
WORDS = {"level": "HIGH", "risk_level": "CRITICAL", "transition": "OPENED", "subject_kind": "DEVICE",
         "peak_level": "X9", "action": "RESOLVED", "channel": "mail"}
STATES = {"alerts": "OPENED", "notifications": "PARKED"}
IDS = ("device_id", "site_id", "subject", "alert_id", "device1", "device2", "source", "idempotency_key")
TABLES = ("readings", "device_minutes", "device_5min_aggregates", "alerts", "alert_transitions", "store_refusals",
          "temperature_rises", "temperature_anomalies", "co_exposure", "risk_spikes", "arc_patterns", "device_correlations",
          "site_risk", "device_patterns", "lasting_hazards", "early_heat", "notifications", "dead_letters", "dashboard_actions")
LEFT_OUT = ("resolved_at", "resolved_by", "acknowledged_at", "acknowledged_by", "replayed_at", "replayed_by", "cleared_at")
CASES = range(len(NUMBERS))
NULLS = ("/api/devices",)
"""Where what is no number shows as null in a field that the store fills with numbers only."""


def named(case: int) -> str:
    return f"{case} {TEXTS[case]}"


def value(table: str, column: str, kind: str, case: int) -> Any:
    """What a column holds in a case."""
    if column == "state":
        return STATES[table]
    if kind == "text":
        given = base64.b64encode(b"\xff\x00").decode()[: 4 - case % 3] if column == "message" else TEXTS[case]
        return named(case) if column in IDS else WORDS.get(column, given)
    if column.endswith("_end"):
        return NOW.replace(second=0) - timedelta(minutes=case % 3)
    return {"double precision": NUMBERS[case], "bigint": WHOLE[case], "integer": 2**31 - 1, "boolean": case % 2 == 0,
            "jsonb": LISTS[case], "json": LISTS[case], "interval": "1 day", "timestamp with time zone": NOW}[kind]


def insert(connection: psycopg.Connection[Any], table: str, case: int) -> None:
    """Writes a row of a case with every column that programs fill."""
    columns = [(name, kind) for name, kind in connection.execute("""
        SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''""", [table]).fetchall()
        if name not in LEFT_OUT]
    connection.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(sql.Placeholder() for _ in columns)), [value(table, *column, case) for column in columns])


@pytest.fixture(scope="module")
def extreme(server: Server) -> Iterator[Dashboard]:
    """A dashboard over tables that hold every extreme."""
    database = server.migrated()
    with psycopg.connect(**database, autocommit=True) as connection:
        for table in TABLES:
            for case in CASES:
                insert(connection, table, case)
    made = dashboard(database)
    yield made
    made.sources.close()


def strict(text: str) -> Any:
    """JSON as browsers read it, without NaN and Infinity."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def read(extreme: Dashboard, path: str) -> str:
    answer = extreme.client.get(path)
    text: str = answer.get_data(as_text=True)
    assert answer.status_code == 200, (path, text)
    return text


def test_every_table_that_rows_of_others_reach_holds_the_extremes(extreme: Dashboard) -> None:
    with extreme.connect() as connection:
        filled = {name for (name,) in connection.execute("""
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'schema_version'
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition""").fetchall()}
        states = connection.execute("SELECT count(*) FROM device_state").fetchone()
    assert filled <= set(TABLES) and states == (len(NUMBERS),)


@pytest.mark.parametrize("path", [path for path in READS if not re.search(r"site-0|dev-00008|alert-00001", path)])
def test_lists_and_sums_are_answered_and_are_json(extreme: Dashboard, path: str) -> None:
    told = strict(read(extreme, path))
    if path not in NULLS:
        check(told, READS[path])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("route", ["devices", "device", "realtime", "sites", "alerts"])
def test_one_of_each_kind_is_answered_and_is_json(extreme: Dashboard, route: str, case: int) -> None:
    strict(read(extreme, f"/api/{route}/{quote(named(case), safe='')}"))


@pytest.mark.parametrize("topic", WINDOWS)
def test_rows_of_every_window_result_are_answered_and_are_json(extreme: Dashboard, topic: str) -> None:
    for case in CASES:
        path = f"/api/results/{topic}/{quote(named(case), safe='')}"
        following, shown = "", 0
        while following is not None:
            page = strict(read(extreme, f"{path}?limit=1&cursor={following}"))
            following, shown = page["next"], shown + len(page["items"])
        assert shown == page["total"] == 1


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("page", ["devices", "sites", "alerts"])
def test_the_page_of_each_is_shown_in_both_languages(extreme: Dashboard, page: str, case: int) -> None:
    for language in ("en", "ko"):
        text = read(extreme, f"/{page}/{quote(named(case), safe='')}?lang={language}")
        for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL):
            strict(data)


@pytest.mark.parametrize("page", ["/", "/devices", "/alerts", "/alerts?state=all", "/pipeline"])
def test_the_other_pages_are_shown(extreme: Dashboard, page: str) -> None:
    text = read(extreme, page)
    assert not re.search(r">\s*-?(nan|inf)\b", text)


def test_the_export_has_every_alert_and_no_infinity(extreme: Dashboard) -> None:
    rows = list(csv.DictReader(io.StringIO(read(extreme, "/alerts.csv?state=all").lstrip("\ufeff"))))
    assert len(rows) == len(NUMBERS) and {row["risk_score"] for row in rows} >= {"3.4e+38", "5e-324", ""}


@pytest.mark.parametrize(("path", "key"), [("/api/devices", "device_id"), ("/api/alerts?state=all", "alert_id"),
                                           ("/api/sites", "site_id")])
def test_pages_go_on_behind_numbers_that_json_does_not_know(extreme: Dashboard, path: str, key: str) -> None:
    found, following = [], ""
    while following is not None:
        page = strict(read(extreme, f"{path}{'&' if '?' in path else '?'}limit=1&cursor={following}"))
        found += [each[key] for each in page["items"]]
        following = page["next"]
    assert sorted(found) == sorted(named(case) for case in CASES)


def test_the_mean_of_risks_stays_a_risk_whatever_they_are(extreme: Dashboard) -> None:
    mean = extreme.get("/api/overview")["risk_last_hour"]["mean"]
    assert 0 <= mean <= 1


ASKED = ("%00", "%ED%A0%80", "%FF", "\ud83d", "9" * 5000, "-1", "1e999", "NaN", "%E2%80%AE", "a" * 3000, "%2500", "[" * 500,
         "𒀀", "..%2F")
FIELDS = ("limit", "cursor", "q", "site", "level", "since", "until", "state", "type", "active", "lang")


@pytest.mark.parametrize("text", ASKED)
def test_nothing_that_is_asked_for_is_an_internal_error(extreme: Dashboard, text: str) -> None:
    asked = quote(text, safe="%", errors="replace")
    for route in ("devices", "device", "realtime", "sites", "alerts"):
        assert extreme.client.get(f"/api/{route}/{asked}").status_code in (400, 404, 308)
        assert extreme.client.get(f"/{route}/{asked}").status_code in (400, 404, 308)
    for path in (f"/api/results/{asked}/dev-1", f"/api/results/device-minutes/{asked}"):
        assert extreme.client.get(path).status_code in (200, 400, 404, 308), path
    for path in ("/api/devices", "/api/alerts", "/api/sites", "/api/pipeline", "/alerts.csv", "/alerts", "/devices", "/pipeline"):
        for field in FIELDS:
            assert extreme.client.get(f"{path}?{field}={asked}").status_code in (200, 302, 303, 400), (path, field)


BODIES = (b'{"message": "\\ud800"}', b'{"message": "{}", "source": "\\ud800"}', b'{"message": "{}", "source": "\\u0000"}',
          b"[" * 100_000, b'{"message": 1e999}', b"9" * 5000, b"\xff", b'{"resolution": "false_alarm", "note": "\\ud800"}',
          b'{"resolution": "\\u0000"}', b'{"resolution": "false_alarm", "note": "\\u0000"}',
          b'{"message": "' + b"[" * 100_000 + b'"}')


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_no_body_is_an_internal_error(extreme: Dashboard, body: bytes) -> None:
    token = extreme.get("/api/session")["csrf_token"]
    for path in (f"/api/alerts/{quote(named(0))}/resolve", "/api/alerts/%00/resolve", "/api/alerts/%00/acknowledge",
                 "/api/pipeline/dead-letters/replay"):
        answer = extreme.client.post(path, data=body, content_type="application/json", headers={"X-CSRFToken": token})
        assert answer.status_code in (400, 404, 422), (path, answer.get_data())


@pytest.mark.parametrize(("given", "json_"), [
    (10**400, b"null"), (-(10**30), b"-1e30"), (2**64 - 1, b"18446744073709551615"), (2**64, b"18446744073709551616.0"),
    (NAN, b"null"), ({"a": [INFINITY, "\ud800", 10**30]}, b'{"a":[null,"?",1e30]}'), ({1: 2**70}, None),
])
def test_a_number_of_any_size_becomes_json(given: Any, json_: bytes | None) -> None:
    told = json_text.dumps(given)
    strict(told.decode())
    assert json_ is None or json.loads(told) == json.loads(json_)


def test_what_is_nested_without_end_becomes_json() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert json_text.dumps(deep).count(b"[") < 200
    assert json_text.loads("[" * 5000 + "]" * 5000) is None


def test_long_whole_numbers_of_the_database_are_read_in_linear_time() -> None:
    assert json_text.loads("[" + "9" * 100_000 + ", 123456789012345678, 3400000000000000000000000000000000]") == [
        INFINITY, 123456789012345678, 3.4e33]


def test_an_event_of_any_number_is_one_line_of_json() -> None:
    line = event("alert", {"value": 10**30, "deep": NAN}).decode()
    assert strict(line.split("data: ")[1]) == {"value": 1e30, "deep": None}


def test_numbers_are_spelled_for_people() -> None:
    assert [number(each, 1) for each in (None, NAN, -INFINITY, 3.4e38, 1234.5)] == ["–", "–", "–", "3.4e+38", "1,234.5"]
    assert [quantity(each, "V") for each in (NAN, 3.4e38, 72.40)] == ["–", "3.4e+38\u00a0V", "72.4\u00a0V"]
    assert [share(each, 1) for each in (NAN, INFINITY, -1e308, 0.5)] == [0, 100, 0, 50]
    assert cell(NAN) == "" and decoded("a") == "a"


@pytest.mark.parametrize("risk", [NAN, INFINITY, -0.0, 3.4e38])
def test_a_cursor_keeps_its_number(risk: float) -> None:
    assert repr(position(cursor(risk, "dev"), float, str)) == repr((risk, "dev"))
