"""The store job on the local mini-cluster writes results from files to a real Postgres."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from contract.declared import CONTRACT
from core import installation
from core.settings import Settings
from jobs import store
from services.dashboard.postgres import statement
from tests.support.databases import Server

SCHEMAS = installation.ROOT / "infra" / "schemas"
WINDOWS = tuple(result.name for result in CONTRACT.stored()["window_results"])
RESULTS = ("readings", "device_minutes", "device_5min_aggregates", "alerts", "alert_state", "dead_letters", *WINDOWS)
REASON = "deviceId is missing; a message must say which device sent it"
Rows = dict[str, list[bytes]]


def example(topic: str, **changed: Any) -> bytes:
    row = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))["examples"][0]
    return json.dumps(row | changed, ensure_ascii=False).encode(errors="backslashreplace")


def reading(idx: int, **changed: Any) -> bytes:
    """Builds the reading `idx` of dev-1, with `idx` alarms in second `idx`, and with these changes."""
    usual = {"device_id": "dev-1", "event_time": f"2025-10-09T09:00:{idx % 60:02}.000Z", "total_alarm_count": idx}
    return example("readings", idx=idx, **usual | changed)


def alert(transition: str, **changed: Any) -> bytes:
    return example("alerts", transition=transition, **changed)


def update(**changed: Any) -> bytes:
    return example("alert-state", **changed)


def letter(number: int, **changed: Any) -> bytes:
    return example("dead-letters", source=f"telemetry[0]@{number}", **changed)


def windows(**changed: list[bytes]) -> Rows:
    """Returns one row of each window result, and further lines for some of them."""
    return {name: [example(name.replace("_", "-")), *changed.get(name, [])] for name in WINDOWS}


EXTREMES: tuple[Any, ...] = (
    None, True, {}, [], "", "x\u0000", "\ud800", "한" * 85, "한" * 86, "𒀀" * 64, "𒀀" * 65, "x" * 3000, "\u202e\u2028\ufeff",
    0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30, 10**400, 3.4e38, -1.7e308, 5e-324, 1.5,
    "NaN", "-Infinity", "1e999", "now", "9999-12-31T23:59:59.999Z", "2999-12-31T23:59:59.999Z", "1900-01-01T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z", "2025-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z",
    "[1] x", "[] []", '["\\ud800"]', '["\\udc00\\ud800"]', '["\\u0000"]', "[1e999999]", "[1e-999999]", "[1E+131073]",
    "[" + "9" * 1000 + "]", "[0." + "9" * 900 + "e-999]", "[" * 900 + "]" * 900, "[" * 1100 + "]" * 1100, "[NaN]", "['a']",
    ["\ud800", "\x01\x7f"], [10**400], [[[]]], [{"": {"": None}}],
)  # fmt: skip
"""Values that a field of JSON can have, but perhaps not a column of Postgres."""
RAW = ("1e999", "1E-999", "1" * 1001, "0." + "1" * 1001, "[1e999999]", "[" * 990 + "]" * 990, "[" * 1100 + "]" * 1100)
"""Further values as JSON text that Python would not write."""
SHARED = {"alert_state": ("alert_id", "transition")}
"""Fields that are not changed, because their rows would update those of another topic."""
HOSTILE = [
    b"rubbish", b"[1]", b'{"device_id": "\xff\xfe"}', b'{"device_id": "dev-9"}',
    reading(1, device_id="nul\u0000"), reading(1, device_id="x" * 5000), reading(1, device_id="line\n"),
    reading(1, device_id="dev-9", event_time="2025-02-30T09:00:00.000Z"),
    reading(1, device_id="dev-9", event_time="0000-01-01T09:00:00.000Z"),
    reading(1, device_id="dev-9", event_time="now"), reading(10**30, device_id="dev-9"),
    reading(5, event_time="2025-10-09T09:00:05Z"),
    reading(2, device_id="dev-9", risk_level="x\u0000"), reading(1, device_id="dev-9", risk_score=None),
]  # fmt: skip
ODD = [
    reading(1, device_id="odd-unpaired", site_id="\ud800", warnings=["\ud800", "x\u0000"]),
    reading(1, device_id="odd-types", voltage="abc", current={"a": [1]}, invalid_fields="text", is_late={}, zone="\u0000"),
    reading(1, device_id="odd-장치", pcb_temperature=5e-324, sensor_temperature=-0.0, warnings=["a \"b\" \\ 한글"]),
]  # fmt: skip
FIRST: Rows = {
    "readings": [reading(5), reading(3), reading(5), *HOSTILE, *ODD, reading(4)],
    "device_minutes": [example("device-minutes")] * 2 + [b"rubbish"],
    "device_5min_aggregates": [example("device-5min-aggregates", temp_stddev=None)],
    "alerts": [alert("OPENED"), alert("OPENED", alert_id="b" * 16, message_ko="널\u0000문자", explanation="none",
                                      recommendations_ko=["\u0000"]), b"{"],
    "alert_state": [update(alert_id="c" * 16)],
    "dead_letters": [letter(1), letter(2, message=None, record_time=None), letter(3, reason="널\u0000문자"), b"{",
                     letter(4, message="no base64!"), letter(5, reason=None),
                     letter(6, sha256="\u0000", size_bytes="many", is_cut=None),
                     letter(7, size_bytes=785_000, sha256="ab" * 32, is_cut=True)],
} | windows(
    device_patterns=[example("device-patterns", window_end="2025-10-09T10:05:00.000Z", sensor_anomalies="none"), b"rubbish"],
    site_risk=[example("site-risk", site_id=None), example("site-risk", risk_level="x\u0000")],
    device_correlations=[example("device-correlations", device2="nul\u0000"), example("device-correlations", device2="dev-9")],
    co_exposure=[example("co-exposure", minute_end=None),
                 example("co-exposure", avg_co_10min="much", minute_end="2025-10-09T09:26:00.000Z")],
    arc_patterns=[example("arc-patterns", device_id=None), example("arc-patterns", window_start="x")],
)  # fmt: skip
AGAIN: Rows = {
    "readings": [reading(3), reading(5), reading(4), reading(2)],
    "device_minutes": [example("device-minutes", record_count=7)],
    "device_5min_aggregates": [],
    "alerts": [alert("OPENED"), alert("ESCALATED", level="CRITICAL"),
               alert("REMINDED", level="CRITICAL", event_time="2025-10-09T09:15:00.959Z"),
               alert("REMINDED", level="CRITICAL", event_time="2025-10-09T09:30:00.959Z", was_held=True),
               alert("CLEARED", level="CRITICAL", event_time="2025-10-09T09:40:00.000Z"), b'{"transition": null}'],
    "alert_state": [update(candidate_count=9, peak_risk_score=0.9, last_candidate_at="2025-10-09T09:34:00.000Z"),
                    update(candidate_count=3, level="MEDIUM"),
                    update(alert_id="b" * 16, candidate_count=4, peak_risk_score=0.7, message_en="no message of an update",
                           level="CRITICAL", peak_level="CRITICAL")],
    "dead_letters": [letter(1), letter(2)],
} | windows(temperature_rises=[example("temperature-rises", temperature_rise=12.5)])
THEN: Rows = {name: [] for name in RESULTS} | {
    "alerts": [alert("OPENED"), alert("ESCALATED", level="CRITICAL"), alert("OPENED", alert_id="c" * 16)],
    "alert_state": [update(candidate_count=8)],
}


def besieged(name: str) -> list[bytes]:
    """Returns rows of a result, each with its own key and an extreme value in one field."""
    usual = json.loads(example(name.replace("_", "-")))
    values = (*EXTREMES, *(f"@{number}@" for number in range(len(RAW))))
    cases = [(field, value) for field in usual if field not in SHARED.get(name, ()) for value in values]
    return [_spelled(json.dumps(_own(usual, f"{name}-{number}", number) | {field: value}, ensure_ascii=False))
            for number, (field, value) in enumerate(cases)]


def _own(usual: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    """Returns the row with a unique key."""
    names = {"device_id", "site_id", "device1", "device2", "alert_id", "source"} & set(usual)
    times = {"event_time", "opened_at", "window_end", "minute_end"} & set(usual)
    at = f"2025-10-09T09:00:{number // 1000:02}.{number % 1000:03}Z"
    return usual | dict.fromkeys(names, name) | dict.fromkeys(times, at)


def _spelled(text: str) -> bytes:
    """Encodes the rows with the texts that Python would not write, and with half characters escaped as in JSON."""
    for number, raw in enumerate(RAW):
        text = text.replace(f'"@{number}@"', raw)
    return text.encode(errors="backslashreplace")


def run(rows: Rows, folder: Path, given: Settings) -> None:
    folder.mkdir()
    for name in RESULTS:
        (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in rows[name]))
    jars = installation.jars(installation.home_folder(Settings.load()), "flink")
    assert jars, "the connector jars are not installed; run ./fire test, which fetches them"
    configuration = {"pipeline.jars": ";".join(jar.as_uri() for jar in jars)}
    store.start(Settings(**{**vars(given), "file_input": str(folder)}), configuration).wait()


def give_password(server: Server) -> None:
    """Names the driver's password file by a property, because this JVM may already run."""
    from pyflink.java_gateway import get_gateway

    get_gateway().jvm.java.lang.System.setProperty("org.postgresql.pgpassfile", str(server.passwords))


@pytest.fixture(scope="module")
def stored(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """Yields a database after a delivery, a person's work on an alert, and a redelivery with changes."""
    folder = tmp_path_factory.mktemp("store")
    conninfo = server.migrated()
    given = Settings(source="file", parallelism=1, postgres_port=conninfo["port"], postgres_database=conninfo["dbname"])
    give_password(server)
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        run(FIRST, folder / "first", given)
        for known in ("0f3a5c7e9b1d2f40", "b" * 16):
            connection.execute(statement("acknowledge"), {"now": "2025-10-09 09:05Z", "actor": "kim", "alert": known})
        connection.execute("UPDATE alerts SET note = '확인' WHERE state = 'OPENED'")
        connection.execute("UPDATE dead_letters SET replayed_at = now(), replayed_by = 'kim' WHERE source LIKE '%@1'")
        run(AGAIN, folder / "again", given)
        run(THEN, folder / "then", given)
        yield connection


@pytest.fixture(scope="module")
def after_siege(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """Yields a database after rows with every extreme value in every field of every topic."""
    conninfo = server.migrated()
    given = Settings(source="file", parallelism=1, postgres_port=conninfo["port"], postgres_database=conninfo["dbname"])
    give_password(server)
    run({name: besieged(name) for name in RESULTS}, tmp_path_factory.mktemp("siege") / "rows", given)
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        connection.execute("""CREATE TEMPORARY VIEW alert_updates AS
                              SELECT FROM alerts WHERE alert_id NOT IN (SELECT alert_id FROM alert_transitions)""")
        yield connection


def rows(connection: psycopg.Connection[Any], query: LiteralString) -> list[Any]:
    return connection.execute(query).fetchall()


def test_every_field_of_a_reading_arrives_as_it_was_sent(stored: psycopg.Connection[Any]) -> None:
    (row,) = rows(stored, "SELECT to_jsonb(readings) - 'stored_at' FROM readings WHERE device_id = 'dev-1' AND idx = 5")
    sent = json.loads(reading(5))
    assert row[0] | {"event_time": sent["event_time"]} == sent
    assert row[0]["event_time"] == "2025-10-09T09:00:05+00:00"
    assert sent["co_gas"] is None


def test_repeated_and_redelivered_readings_are_stored_and_counted_once(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT idx FROM readings WHERE device_id = 'dev-1' ORDER BY idx") == [(2,), (3,), (4,), (5,)]
    assert rows(stored, "SELECT total_alarms, last_idx FROM device_state WHERE device_id = 'dev-1'") == [(14, 5)]


def test_window_results_have_the_values_of_the_latest_delivery(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT record_count, minute_end::text FROM device_minutes") == [(7, "2025-10-09 09:01:00+00")]
    assert rows(stored, "SELECT temp_stddev, avg_temperature FROM device_5min_aggregates") == [(None, 30.125)]


def test_an_alert_follows_its_transitions_and_keeps_what_people_wrote(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT state, level, cleared_at::text, acknowledged_by, acknowledged_at::text, note,
                                  explanation->0->>'unit'
                           FROM alerts WHERE alert_id = '0f3a5c7e9b1d2f40'""") == [
        ("CLEARED", "CRITICAL", "2025-10-09 09:40:00+00", "kim", "2025-10-09 09:05:00+00", "확인", "°C")]
    assert rows(stored, """SELECT transition, level FROM alert_transitions WHERE alert_id = '0f3a5c7e9b1d2f40'
                           ORDER BY event_time, level DESC""") == [
        ("OPENED", "HIGH"), ("ESCALATED", "CRITICAL"), ("REMINDED", "CRITICAL"), ("REMINDED", "CRITICAL"),
        ("CLEARED", "CRITICAL")]


def test_an_update_changes_counts_and_peaks_but_neither_the_state_nor_what_people_wrote(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT state, candidate_count, peak_risk_score, last_candidate_at::text, reminded_at::text, note
                           FROM alerts WHERE alert_id = '0f3a5c7e9b1d2f40'""") == [
        ("CLEARED", 9, 0.9, "2025-10-09 09:34:00+00", "2025-10-09 09:30:00.959+00", "확인")]


def test_an_update_raises_the_level_of_an_open_alert_and_leaves_its_message(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT state, level, peak_level, candidate_count, peak_risk_score, message_ko, acknowledged_by
                           FROM alerts WHERE alert_id LIKE 'b%'""") == [
        ("OPENED", "CRITICAL", "CRITICAL", 4, 0.7, "널문자", "kim")]


def test_an_update_that_comes_before_its_alert_is_not_lost(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT state, candidate_count, event_time::text, message_en LIKE '[HIGH]%' FROM alerts
                           WHERE alert_id LIKE 'c%'""") == [("OPENED", 7, "2025-10-09 09:00:00.959+00", True)]


def test_an_update_is_not_a_transition(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT alert_id, transition FROM alert_transitions WHERE alert_id <> '0f3a5c7e9b1d2f40'
                           ORDER BY alert_id""") == [("b" * 16, "OPENED"), ("c" * 16, "OPENED")]


def test_a_refused_message_is_stored_once_with_its_bytes_and_keeps_what_people_did(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT source, message, record_time::text, reason, replayed_by FROM dead_letters ORDER BY source") == [
        ("telemetry[0]@1", "e30=", "2025-10-09 09:00:00.959+00", REASON, "kim"),
        ("telemetry[0]@2", "e30=", "2025-10-09 09:00:00.959+00", REASON, None),
        ("telemetry[0]@3", "e30=", "2025-10-09 09:00:00.959+00", "널문자", None),
        ("telemetry[0]@6", "e30=", "2025-10-09 09:00:00.959+00", REASON, None),
        ("telemetry[0]@7", "e30=", "2025-10-09 09:00:00.959+00", REASON, None)]


def test_a_refused_message_s_size_digest_and_cut_are_stored(stored: psycopg.Connection[Any]) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    assert rows(stored, "SELECT source, size_bytes, sha256, is_cut FROM dead_letters ORDER BY source") == [
        ("telemetry[0]@1", 2, digest, False), ("telemetry[0]@2", 2, digest, False), ("telemetry[0]@3", 2, digest, False),
        ("telemetry[0]@6", None, None, None), ("telemetry[0]@7", 785_000, "ab" * 32, True)]


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_s_result_arrives_as_it_was_sent_and_once(stored: psycopg.Connection[Any], name: str) -> None:
    query = sql.SQL("SELECT to_jsonb(found) FROM {} AS found").format(sql.Identifier(name))
    found = [tidy(row[0]) for row in stored.execute(query).fetchall()]
    sent = json.loads(example(name.replace("_", "-")))
    changed = {"temperature_rises": {"temperature_rise": 12.5}}.get(name, {})
    assert found.count(sent | changed) == 1
    assert len(found) == {"device_patterns": 2, "device_correlations": 2, "co_exposure": 2}.get(name, 1)


def tidy(row: dict[str, Any]) -> dict[str, Any]:
    """Returns the row with times as the topics write them."""
    times = {"window_start", "window_end", "minute_end"} & set(row)
    return row | {name: row[name].replace("+00:00", ".000Z") if "." not in row[name] else row[name] for name in times}


def test_unusable_values_of_window_results_become_null(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT avg_co_10min, minutes_10min FROM co_exposure ORDER BY minute_end DESC LIMIT 1") == [(None, 10)]
    assert rows(stored, "SELECT sensor_anomalies FROM device_patterns ORDER BY window_end") == [(["temperature"],), (None,)]


def test_an_alert_is_stored_without_its_unusable_parts(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT message_ko, explanation, recommendations_ko FROM alerts WHERE alert_id LIKE 'b%'") == [
        ("널문자", None, None)]


def test_unusual_values_are_stored_as_far_as_possible(stored: psycopg.Connection[Any]) -> None:
    found = {row[0]: row[1:] for row in rows(stored, """
        SELECT device_id, voltage, current, invalid_fields, warnings, is_late, zone FROM readings
        WHERE device_id LIKE 'odd-%'""")}
    assert found == {
        "odd-unpaired": (221.65, 6.006, [], None, False, "panel-room"),
        "odd-types": (None, None, None, [], False, None),
        "odd-장치": (221.65, 6.006, [], ['a "b" \\ 한글'], False, "panel-room"),
    }  # fmt: skip


def test_records_that_cannot_be_stored_are_counted_with_a_reason_and_stop_nothing(stored: psycopg.Connection[Any]) -> None:
    reasons = rows(stored, "SELECT reason, count(*)::int FROM store_refusals GROUP BY reason ORDER BY reason")
    assert reasons == [
        ("alert_id must be 1 to 256 bytes in UTF-8 without control characters", 1),
        ("device2 must be 1 to 256 bytes in UTF-8 without control characters", 1),
        ("device_id must be 1 to 256 bytes in UTF-8 without control characters", 4),
        ("event_time must be a time like 2025-10-09T09:00:00.959Z", 5),
        ("idx must be a number", 1),
        ("message must be base64", 1),
        ("minute_end must be a time like 2025-10-09T09:00:00.959Z", 1),
        ("reason must be a text", 1),
        ("risk_level must be a word in capital letters", 2),
        ("risk_score must be a number", 1),
        ("site_id must be 1 to 256 bytes in UTF-8 without control characters", 1),
        ("the message must be a JSON object in UTF-8", 7),
        ("window_start must be a time like 2025-10-09T09:00:00.959Z", 1),
    ]  # fmt: skip
    assert rows(stored, "SELECT count(*)::int FROM readings WHERE device_id = 'dev-9'") == [(0,)]


@pytest.mark.parametrize("name", RESULTS)
def test_a_row_with_anything_in_any_field_is_stored_or_refused(after_siege: psycopg.Connection[Any], name: str) -> None:
    table = {"alerts": "alert_transitions", "alert_state": "alert_updates"}.get(name, name)
    (stored,) = after_siege.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone() or (0,)
    refused = [topic for (topic,) in rows(after_siege, "SELECT topic FROM store_refusals")]
    assert stored + [topic.removesuffix(".jsonl").replace("-", "_") for topic in refused].count(name) == len(besieged(name))
    assert stored > len(besieged(name)) / 3


def test_no_statement_contains_a_password() -> None:
    given = store.substitutions(Settings(postgres_password="s3cret"))
    assert not [name for name, value in given.items() if "s3cret" in value]
    script = store.script(Settings(postgres_password="s3cret"))
    assert not [each for each in (*script.declarations, *script.inserts) if "password" in each.sql or "s3cret" in each.sql]


def test_a_user_s_name_cannot_add_options_to_the_url() -> None:
    assert "?user=fire%26ssl%3Dfalse&" in store.postgres_url(Settings(postgres_user="fire&ssl=false"))


def test_sources_of_kafka_and_files_have_the_same_columns() -> None:
    def columns(source: str) -> list[list[str]]:
        declared = [each.sql for each in store.script(Settings(source=source)).declarations if "_in (" in each.sql]
        return [[name for name in re.findall(r"(?m)^  `?(\w+)`? +[A-Z]", sql) if name not in ("partition", "offset")]
                for sql in declared]

    assert columns("kafka") == columns("file")
    assert len(columns("kafka")) == len(CONTRACT.stored()) + 1
