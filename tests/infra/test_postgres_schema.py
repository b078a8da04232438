"""The results database on a real server: its migrations, device state, partitions and retention."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from contract.declared import CONTRACT
from core.settings import Settings
from infra.postgres import dump
from infra.postgres.migrate import MigrationError, migrate, migrations
from services.retention import Maintained, maintain
from tests.support.databases import Server

Connection = psycopg.Connection[Any]

UPSERT: LiteralString = """
    INSERT INTO readings (device_id, event_time, idx, schema_version, risk_score, risk_level, max_temperature,
                          total_alarm_count)
    SELECT device, time::timestamptz, idx, 1, score, level, temperature, alarms
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::float[], %s::text[], %s::float[], %s::bigint[])
        AS given (device, time, idx, score, level, temperature, alarms)
    ON CONFLICT (device_id, event_time, idx) DO UPDATE SET risk_score = EXCLUDED.risk_score"""
CATALOGUE: tuple[LiteralString, ...] = (
    """SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default
       FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace""",
    """SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal""",
    """SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace""",
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits",
)  # fmt: skip


def reading(device: str, time: str, idx: int, score: float = 0.0, level: str = "NORMAL",
            temperature: float | None = 20.0, alarms: int = 0) -> tuple[Any, ...]:
    return device, time, idx, score, level, temperature, alarms


def upsert(connection: Connection, *readings: tuple[Any, ...]) -> None:
    connection.execute(UPSERT, [list(column) for column in zip(*readings, strict=True)])


def one(connection: Connection, query: LiteralString) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row if len(row) > 1 else row[0]


def catalogue(conninfo: dict[str, Any]) -> list[list[tuple[Any, ...]]]:
    with psycopg.connect(**conninfo) as connection:
        return [sorted(connection.execute(query).fetchall(), key=repr) for query in CATALOGUE]


def settings(conninfo: dict[str, Any], **given: Any) -> Settings:
    password = Path(conninfo["passfile"]).read_text().strip().rpartition(":")[2]
    return Settings(postgres_port=conninfo["port"], postgres_database=conninfo["dbname"], postgres_password=password,
                    **given)


def test_migrations_make_the_schema_that_schema_sql_shows(server: Server) -> None:
    shown = dump.SCHEMA.read_text(encoding="utf-8")
    assert dump.dumped(server.migrated()) == shown, "run python -m infra.postgres.migrate --dump"


def test_schema_sql_makes_what_the_migrations_make(server: Server) -> None:
    shown = server.empty()
    with psycopg.connect(**shown) as connection:
        connection.execute(dump.SCHEMA.read_bytes())
    migrated = catalogue(server.migrated())
    assert migrated == catalogue(shown)
    assert all(migrated)


def test_migrations_are_applied_once_in_order_and_recorded(server: Server) -> None:
    empty = server.empty()
    assert migrate(**empty) == [migration.version for migration in migrations()]
    assert migrate(**empty) == []


def test_two_processes_that_migrate_at_once_apply_each_migration_once(server: Server) -> None:
    empty = server.empty()
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(**empty))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied, key=len) == [[], [migration.version for migration in migrations()]]


def test_an_edited_migration_is_refused_with_its_name(server: Server, tmp_path: Path) -> None:
    empty = server.empty()
    file = tmp_path / "0001_first.sql"
    file.write_text("CREATE TABLE first (id integer);")
    assert migrate(tmp_path, **empty) == ["0001_first"]
    file.write_text("CREATE TABLE first (id bigint);")
    with pytest.raises(MigrationError, match=r"0001_first was edited .* restore the file and put the change into"):
        migrate(tmp_path, **empty)


def test_a_failing_migration_leaves_no_trace_and_later_ones_wait(server: Server, tmp_path: Path) -> None:
    empty = server.empty()
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (id integer);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (id integer); SELECT 1 / 0;")
    (tmp_path / "0003_third.sql").write_text("CREATE TABLE third (id integer);")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(tmp_path, **empty)
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second (id integer);")
    assert migrate(tmp_path, **empty) == ["0002_second", "0003_third"]


def test_a_database_from_a_newer_version_is_refused(server: Server, tmp_path: Path) -> None:
    migrated = server.migrated()
    with pytest.raises(MigrationError, match="use the newer version that applied it"):
        migrate(tmp_path, **migrated)


def test_two_migrations_with_one_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").touch()
    (tmp_path / "0001_other.sql").touch()
    with pytest.raises(MigrationError, match=r"0001_first\.sql and 0001_other\.sql share a number"):
        migrations(tmp_path)


def test_redelivered_readings_count_their_alarms_once(connection: Connection) -> None:
    first = reading("dev-1", "2025-10-09T09:00:00Z", 1, alarms=2)
    second = reading("dev-1", "2025-10-09T09:00:01Z", 2, alarms=3)
    upsert(connection, first)
    upsert(connection, first, second)
    upsert(connection, second, first)
    assert one(connection, "SELECT total_alarms, last_idx FROM device_state") == (5, 2)


def test_an_older_reading_adds_its_alarms_but_does_not_replace_the_state(connection: Connection) -> None:
    upsert(connection, reading("dev-1", "2025-10-09T09:00:05Z", 5, 0.9, "CRITICAL", 95.0, 4))
    upsert(connection, reading("dev-1", "2025-10-09T09:00:01Z", 1, 0.0, "NORMAL", 20.0, 1))
    state = one(connection, "SELECT risk_level, risk_score, last_temperature, last_idx, total_alarms FROM device_state")
    assert state == ("CRITICAL", 0.9, 95.0, 5, 5)


def test_the_newest_reading_of_a_batch_wins_whatever_its_position(connection: Connection) -> None:
    upsert(connection, reading("dev-1", "2025-10-09T09:00:09Z", 9, 0.6, "HIGH", None),
           reading("dev-1", "2025-10-09T09:00:01Z", 1), reading("dev-0", "2025-10-09T09:00:01Z", 1))
    state = one(connection, "SELECT risk_level, last_temperature FROM device_state WHERE device_id = 'dev-1'")
    assert state == ("HIGH", None)


def test_every_event_time_has_a_partition(connection: Connection) -> None:
    upsert(connection, reading("dev-1", "1970-01-01T00:00:00Z", 1), reading("dev-1", "2999-12-31T23:59:59.999Z", 2))
    assert one(connection, "SELECT count(*) FROM readings_default") == 2


def test_maintenance_creates_partitions_and_moves_rows_out_of_the_default_partition(database: dict[str, Any],
                                                                               connection: Connection) -> None:
    now = one(connection, "SELECT now()::text")
    upsert(connection, reading("dev-1", now, 1, alarms=2))
    done = maintain(settings(database))
    assert (done.days_added, done.rows_moved) == (9, 1)
    assert one(connection, "SELECT tableoid::regclass::text <> 'readings_default' FROM readings")
    upsert(connection, reading("dev-1", now, 1, alarms=2))
    assert one(connection, "SELECT (SELECT count(*) FROM readings), total_alarms FROM device_state") == (1, 2)
    assert maintain(settings(database)) == Maintained(0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_readings_older_than_the_retention_are_dropped_by_partition(database: dict[str, Any], connection: Connection) -> None:
    connection.execute("SELECT fire_add_reading_day(current_date - n) FROM generate_series(3, 6) AS n")
    for days in range(12):
        upsert(connection, reading("dev-1", one(connection, "SELECT now()::text"), days))
        connection.execute("""UPDATE readings SET event_time = event_time - make_interval(days => idx::int)
                              WHERE idx = %s""", [days])
    done = maintain(settings(database, readings_retention_days=5))
    assert (done.days_dropped, done.rows_deleted) == (1, 5)
    assert one(connection, "SELECT max(idx), count(*) FROM readings") == (5, 6)


def test_a_retention_of_no_days_is_refused(database: dict[str, Any]) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="keep at least 1 day"):
        maintain(settings(database, readings_retention_days=0))


def test_old_results_expire_but_an_alert_stays_until_it_is_cleared_or_resolved(database: dict[str, Any],
                                                                              connection: Connection) -> None:
    connection.execute("""
        WITH old AS (SELECT now() - interval '91 days' AS time), alert AS (
            INSERT INTO alerts (alert_id, schema_version, state, subject, alert_type, level, event_time, opened_at,
                                resolved_at, resolved_by)
            SELECT id, 1, state, 'dev-1', 'ARC_DETECTED', 'HIGH', time, time,
                   CASE WHEN id = 'resolved' THEN time END, CASE WHEN id = 'resolved' THEN 'kim' END
            FROM old, (VALUES ('open', 'OPENED'), ('resolved', 'OPENED'), ('cleared', 'CLEARED')) AS given (id, state)
        )
        INSERT INTO alert_transitions (alert_id, transition, level, schema_version, subject, alert_type, event_time,
                                       opened_at, occasion)
        SELECT id, 'OPENED', 'HIGH', 1, 'dev-1', 'ARC_DETECTED', time, time, time
        FROM old, unnest(ARRAY['open', 'resolved', 'cleared']) AS id""")
    connection.execute("""INSERT INTO device_minutes (device_id, minute_start, minute_end, schema_version, record_count)
                          VALUES ('dev-1', now() - interval '91 days', now() - interval '91 days', 1, 1),
                                 ('dev-1', now(), now(), 1, 1)""")
    done = maintain(settings(database))
    assert (done.minutes_deleted, done.alerts_deleted, done.transitions_deleted) == (1, 2, 2)
    assert one(connection, "SELECT alert_id FROM alerts JOIN alert_transitions USING (alert_id)") == "open"


def test_an_alert_only_moves_forward(connection: Connection) -> None:
    for state in ("OPENED", "ESCALATED", "OPENED", "CLEARED", "ESCALATED"):
        connection.execute("""
            INSERT INTO alerts (alert_id, schema_version, state, subject, alert_type, level, event_time, opened_at)
            VALUES ('a', 1, %s, 'dev-1', 'ARC_DETECTED', 'HIGH', now(), now())
            ON CONFLICT (alert_id) DO UPDATE SET state = EXCLUDED.state""", [state])
    assert one(connection, "SELECT state FROM alerts") == "CLEARED"


def test_patterns_expire_after_a_week_and_other_windows_with_the_results(database: dict[str, Any],
                                                                        connection: Connection) -> None:
    for days in (6, 8, 91):
        connection.execute("""
            WITH ended AS (SELECT now() - make_interval(days => %s) AS time), patterns AS (
                INSERT INTO device_patterns (device_id, window_end, window_start, schema_version)
                SELECT 'dev-1', time, time, 1 FROM ended)
            INSERT INTO site_risk (site_id, window_end, window_start, schema_version) SELECT 'site-1', time, time, 1 FROM ended
            """, [days])
    assert maintain(settings(database)).aggregates_deleted == 3
    assert one(connection, "SELECT (SELECT count(*) FROM device_patterns), (SELECT count(*) FROM site_risk)") == (1, 2)


def test_refused_messages_expire_with_the_results_and_actions_of_users_stay(database: dict[str, Any],
                                                                            connection: Connection) -> None:
    for days in (91, 1):
        connection.execute("""INSERT INTO dead_letters (source, schema_version, reason, received_at)
                              VALUES ('telemetry[0]@' || %(days)s, 1, 'why', now() - make_interval(days => %(days)s))""",
                           {"days": days})
    connection.execute("""INSERT INTO dashboard_actions (acted_at, actor, action, subject, details)
                          VALUES (now() - interval '1 year', 'kim', 'RESOLVED', 'a', '{}')""")
    assert maintain(settings(database)).refusals_deleted == 1
    assert one(connection, "SELECT source, (SELECT count(*) FROM dashboard_actions) FROM dead_letters") == ("telemetry[0]@1", 1)


def test_every_table_of_a_result_is_expired(connection: Connection) -> None:
    expired = {name for (name,) in connection.execute("SELECT result FROM result_retention").fetchall()}
    assert expired == {*(result.name for result in CONTRACT.stored()["window_results"]), "device_5min_aggregates"}


def test_a_further_window_expires_once_it_has_a_row_in_the_retention(database: dict[str, Any], connection: Connection) -> None:
    connection.execute("""CREATE TABLE humidity_rises AS SELECT now() - make_interval(days => n) AS window_end
                          FROM generate_series(0, 9) AS n""")
    connection.execute("INSERT INTO result_retention (result, time_column, days) VALUES ('humidity_rises', 'window_end', 5)")
    assert maintain(settings(database)).aggregates_deleted == 5
    assert one(connection, "SELECT count(*) FROM humidity_rises") == 5


def test_alarms_beyond_all_reason_fill_the_count_and_stop_nothing(connection: Connection) -> None:
    most = 2**63 - 1
    upsert(connection, *(reading("dev-1", "2025-10-09T09:00:00Z", idx, alarms=most) for idx in (1, 2)))
    upsert(connection, reading("dev-1", "2025-10-09T09:00:01Z", 3, alarms=most),
           reading("dev-2", "2025-10-09T09:00:01Z", 1, alarms=-5))
    assert connection.execute("SELECT device_id, total_alarms FROM device_state ORDER BY device_id").fetchall() == [
        ("dev-1", most), ("dev-2", 0)]


def test_counts_and_peaks_of_an_alert_never_fall(connection: Connection) -> None:
    for state, level, count, seen in (("UPDATED", "MEDIUM", 2, "09:01"), ("OPENED", "MEDIUM", 1, "09:00"),
                                      ("UPDATED", "CRITICAL", 9, "09:04"), ("ESCALATED", "HIGH", 5, "09:02")):
        connection.execute("""
            INSERT INTO alerts (alert_id, schema_version, state, subject, alert_type, level, candidate_count, last_candidate_at,
                                event_time, opened_at)
            VALUES ('a', 1, %s, 'dev-1', 'ARC_DETECTED', %s, %s, ('2025-10-09 ' || %s || 'Z')::timestamptz, now(), now())
            ON CONFLICT (alert_id) DO UPDATE SET state = EXCLUDED.state, level = EXCLUDED.level,
                candidate_count = EXCLUDED.candidate_count, last_candidate_at = EXCLUDED.last_candidate_at""",
                           [state, level, count, seen])
    found = one(connection, "SELECT state, level, candidate_count, last_candidate_at::text FROM alerts")
    assert found == ("ESCALATED", "CRITICAL", 9, "2025-10-09 09:04:00+00")


def test_an_acknowledgement_names_its_user(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="alerts_acknowledged_by_somebody"):
        connection.execute("""
            INSERT INTO alerts (alert_id, schema_version, state, subject, alert_type, level, event_time, opened_at,
                                acknowledged_at)
            VALUES ('a', 1, 'OPENED', 'dev-1', 'ARC_DETECTED', 'HIGH', now(), now(), now())""")


def test_maintenance_yields_to_a_writer_that_does_not_finish(database: dict[str, Any],
                                                                connection: Connection) -> None:
    with psycopg.connect(**database) as writer:
        upsert(writer, reading("dev-1", "2025-10-09T09:00:00Z", 1))
        with pytest.raises(psycopg.errors.LockNotAvailable):
            maintain(settings(database))
    assert one(connection, "SELECT count(*) FROM reading_days") == 0
    assert maintain(settings(database)).days_added == 9


def test_writers_and_maintenance_never_deadlock(database: dict[str, Any], connection: Connection) -> None:
    """Two writers upsert the same devices in opposite orders, while partitions are created and dropped."""
    errors: list[psycopg.Error] = []
    now = one(connection, "SELECT now()::text")
    rows = [reading(f"dev-{device}", time, idx, alarms=1) for idx in range(20) for device in range(10)
            for time in (now, "2025-01-01T00:00:00Z")]

    def write(readings: list[tuple[Any, ...]]) -> None:
        try:
            with psycopg.connect(**database, autocommit=True) as writer:
                for start in range(0, len(readings), 20):
                    upsert(writer, *sorted(readings[start : start + 20]))
        except psycopg.Error as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[order]) for order in (rows, rows[::-1])]
    for thread in threads:
        thread.start()
    for _ in range(5):
        with suppress(psycopg.errors.LockNotAvailable):  # on a slow machine it gives way, and is done by the next one
            maintain(settings(database))
            connection.execute("SELECT fire_add_reading_day('2000-01-01')")
    for thread in threads:
        thread.join()
    assert errors == []
    maintain(settings(database))
    assert one(connection, "SELECT count(*) FROM readings WHERE event_time > now() - interval '1 day'") == 200
