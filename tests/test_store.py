"""The store job on the local mini-cluster: results from files, rows in a real Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from infra.local import folders
from jobs import store
from jobs.pipeline import SQL
from jobs.settings import Settings
from tests.databases import Server, server

__all__ = ["server"]
SCHEMAS = folders.ROOT / "infra" / "schemas"
RESULTS = ("readings", "device_minutes", "device_5min_aggregates", "alerts")
Rows = dict[str, list[bytes]]


def example(topic: str, **changed: Any) -> bytes:
    row = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))["examples"][0]
    return json.dumps(row | changed, ensure_ascii=False).encode(errors="backslashreplace")


def reading(idx: int, **changed: Any) -> bytes:
    """The reading `idx` of dev-1, with `idx` alarms in second `idx`, and what is changed about it."""
    usual = {"device_id": "dev-1", "event_time": f"2025-10-09T09:00:{idx % 60:02}.000Z", "total_alarm_count": idx}
    return example("readings", idx=idx, **usual | changed)


def alert(transition: str, **changed: Any) -> bytes:
    return example("alerts", transition=transition, **changed)


HOSTILE = [
    b"rubbish", b"[1]", b'{"device_id": "\xff\xfe"}', b'{"device_id": "dev-9"}',
    reading(1, device_id="nul\u0000"), reading(1, device_id="x" * 5000), reading(1, device_id="line\n"),
    reading(1, device_id="dev-9", event_time="2025-02-30T09:00:00.000Z"),
    reading(1, device_id="dev-9", event_time="0000-01-01T09:00:00.000Z"),
    reading(1, device_id="dev-9", event_time="now"), reading(10**30, device_id="dev-9"),
    reading(2, device_id="dev-9", risk_level="x\u0000"), reading(1, device_id="dev-9", risk_score=None),
]  # fmt: skip
ODD = [
    reading(1, device_id="odd-unpaired", site_id="\ud800", warnings=["\ud800", "x\u0000"]),
    reading(1, device_id="odd-types", voltage="abc", current={"a": [1]}, invalid_fields="text", is_late={}),
    reading(1, device_id="odd-장치", pcb_temperature=5e-324, sensor_temperature=-0.0, warnings=["a \"b\" \\ 한글"]),
]  # fmt: skip
FIRST: Rows = {
    "readings": [reading(5), reading(3), reading(5), *HOSTILE, *ODD, reading(4)],
    "device_minutes": [example("device-minutes")] * 2 + [b"rubbish"],
    "device_5min_aggregates": [example("device-5min-aggregates", temp_stddev=None)],
    "alerts": [alert("OPENED"), alert("OPENED", alert_id="b" * 16, message_ko="널\u0000문자", explanation="none",
                                      recommendations_ko=["\u0000"]), b"{"],
}  # fmt: skip
AGAIN: Rows = {
    "readings": [reading(3), reading(5), reading(4), reading(2)],
    "device_minutes": [example("device-minutes", record_count=7)],
    "device_5min_aggregates": [],
    "alerts": [alert("OPENED"), alert("ESCALATED", level="CRITICAL"),
               alert("CLEARED", level="CRITICAL", event_time="2025-10-09T09:20:00.000Z")],
}


def run(rows: Rows, folder: Path, given: Settings) -> None:
    folder.mkdir()
    for name in RESULTS:
        (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in rows[name]))
    jars = folders.jars(folders.home_folder(Settings.load()), "flink")
    assert jars, "the connector jars are not installed; run ./fire test, which fetches them"
    configuration = {"pipeline.jars": ";".join(jar.as_uri() for jar in jars)}
    store.start(Settings(**{**vars(given), "file_input": str(folder)}), configuration).wait()


def give_password(server: Server) -> None:
    """The driver reads its password file as in production; this JVM may run already, so a property names the file."""
    from pyflink.java_gateway import get_gateway

    get_gateway().jvm.java.lang.System.setProperty("org.postgresql.pgpassfile", str(server.passwords))


@pytest.fixture(scope="module")
def stored(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """A database after a delivery, a person's work on an alert, and a redelivery with news."""
    folder = tmp_path_factory.mktemp("store")
    conninfo = server.migrated()
    given = Settings(source="file", parallelism=1, postgres_port=conninfo["port"], postgres_database=conninfo["dbname"])
    give_password(server)
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        run(FIRST, folder / "first", given)
        connection.execute("""UPDATE alerts SET acknowledged_at = '2025-10-09 09:05Z', acknowledged_by = 'kim',
                                                note = '확인' WHERE state = 'OPENED'""")
        run(AGAIN, folder / "again", given)
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


def test_windows_take_the_latest_delivery(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT record_count, minute_end::text FROM device_minutes") == [(7, "2025-10-09 09:01:00+00")]
    assert rows(stored, "SELECT temp_stddev, avg_temperature FROM device_5min_aggregates") == [(None, 30.125)]


def test_an_alert_follows_its_transitions_and_keeps_what_people_wrote(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, """SELECT state, level, cleared_at::text, acknowledged_by, acknowledged_at::text, note,
                                  explanation->0->>'unit'
                           FROM alerts WHERE alert_id = '0f3a5c7e9b1d2f40'""") == [
        ("CLEARED", "CRITICAL", "2025-10-09 09:20:00+00", "kim", "2025-10-09 09:05:00+00", "확인", "°C")]
    assert rows(stored, """SELECT transition, level FROM alert_transitions WHERE alert_id = '0f3a5c7e9b1d2f40'
                           ORDER BY event_time, level DESC""") == [
        ("OPENED", "HIGH"), ("ESCALATED", "CRITICAL"), ("CLEARED", "CRITICAL")]


def test_an_alert_is_stored_without_the_parts_that_cannot_be(stored: psycopg.Connection[Any]) -> None:
    assert rows(stored, "SELECT message_ko, explanation, recommendations_ko FROM alerts WHERE alert_id LIKE 'b%'") == [
        ("널문자", None, None)]


def test_odd_values_are_stored_as_far_as_they_can_be(stored: psycopg.Connection[Any]) -> None:
    found = {row[0]: row[1:] for row in rows(stored, """
        SELECT device_id, voltage, current, invalid_fields, warnings, is_late FROM readings
        WHERE device_id LIKE 'odd-%'""")}
    assert found == {
        "odd-unpaired": (221.65, 6.006, [], None, False),
        "odd-types": (None, None, None, [], False),
        "odd-장치": (221.65, 6.006, [], ['a "b" \\ 한글'], False),
    }  # fmt: skip


def test_what_cannot_be_stored_is_counted_with_a_reason_and_stops_nothing(stored: psycopg.Connection[Any]) -> None:
    reasons = rows(stored, "SELECT reason, count(*)::int FROM store_refusals GROUP BY reason ORDER BY reason")
    assert reasons == [
        ("device_id must be 1 to 256 characters, none of them control characters", 3),
        ("event_time must be a time like 2025-10-09T09:00:00.959Z", 4),
        ("idx, schema_version and risk_score must be numbers", 2),
        ("risk_level must be a word in capital letters", 1),
        ("the message must be a JSON object in UTF-8", 5),
    ]  # fmt: skip
    assert rows(stored, "SELECT count(*)::int FROM readings WHERE device_id = 'dev-9'") == [(0,)]


def test_no_statement_holds_a_password() -> None:
    given = store.names(Settings(postgres_password="s3cret"))
    assert not [name for name, value in given.items() if "s3cret" in value]
    assert not [file for file in SQL.glob("store/**/*.sql") if "password" in file.read_text(encoding="utf-8")]


def test_a_user_s_name_cannot_add_options_to_the_url() -> None:
    assert "?user=fire%26ssl%3Dfalse&" in store.postgres_url(Settings(postgres_user="fire&ssl=false"))


@pytest.mark.parametrize("table", [*(f"{name}_in" for name in RESULTS)])
def test_kafka_and_file_sources_declare_the_same_columns(table: str) -> None:
    kafka, file = (columns(SQL / f"store/1_sources/{kind}/{table}.sql") for kind in ("kafka", "file"))
    assert kafka == file


def columns(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").partition("(\n")[2].partition("\n)")[0].splitlines()
    return [line.strip() for line in lines if "METADATA" not in line and " AS " not in line]
