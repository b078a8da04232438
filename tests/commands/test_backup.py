"""Backup and restore on a real Postgres: a backup restores every row, and a restore is complete or has no effect."""

from __future__ import annotations

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from commands import backup
from infra.postgres.migrate import migrate
from services.notify.outbox import Outbox, connector
from tests.services.notify.test_notify import MemoryTarget, channel
from tests.support.databases import Server
from tests.support.receivers import alert

NOW = datetime(2025, 10, 9, 18, 0, tzinfo=UTC)


def fill(database: dict[str, Any], devices: int = 50) -> None:
    """Inserts devices with readings of today (their state follows by trigger), a refusal and a pending delivery."""
    with psycopg.connect(**database, autocommit=True) as connected:
        connected.execute("SELECT * FROM fire_maintain_partitions(30)")
        for number in range(devices):
            connected.execute(
                "INSERT INTO readings (device_id, idx, event_time, schema_version, risk_level, risk_score) "
                "VALUES (%s, 1, now(), 1, 'NORMAL', 0.1)", [f"dev-{number}"])
        connected.execute("INSERT INTO store_refusals (source, topic, reason) VALUES ('alerts[0]@1', 'alerts', 'no JSON')")
    outbox = Outbox(connector(database))
    outbox.add([alert()], [], [channel(MemoryTarget())], NOW)
    outbox.close()


def test_a_backup_restores_every_row_after_everything_was_destroyed(server: Server, tmp_path: Path) -> None:
    lost = server.migrated()
    fill(lost)
    file, saved = backup.save(lost, tmp_path, NOW)
    with psycopg.connect(**lost, autocommit=True) as connected:
        connected.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert backup.row_counts(lost) == {}
    assert backup.load(lost, file, replace=False) == saved
    assert (saved["readings"], saved["device_state"], saved["store_refusals"], saved["notifications"]) == (50, 50, 1, 1)
    assert migrate(**lost) == [], "the ledger of migrations came back too"


def test_a_restored_database_accepts_rows_and_can_be_saved_and_restored_again(server: Server, tmp_path: Path) -> None:
    database = server.migrated()
    fill(database, 3)
    backup.load(database, backup.save(database, tmp_path, NOW)[0], replace=True)
    with psycopg.connect(**database, autocommit=True) as connected:
        connected.execute("INSERT INTO readings (device_id, idx, event_time, schema_version, risk_level, risk_score) "
                          "VALUES ('dev-new', 1, now(), 1, 'HIGH', 0.7)")
        assert connected.execute("SELECT risk_level FROM device_state WHERE device_id = 'dev-new'").fetchone() == ("HIGH",)
    file, saved = backup.save(database, tmp_path / "again", NOW)
    assert backup.load(database, file, replace=True) == saved
    assert saved["readings"] == 4


def test_a_database_with_tables_is_overwritten_only_on_request(server: Server, tmp_path: Path) -> None:
    database = server.migrated()
    fill(database, 2)
    file, saved = backup.save(database, tmp_path, NOW)
    with pytest.raises(backup.BackupError, match="already has tables; use --replace to delete them first"):
        backup.load(database, file, replace=False)
    assert backup.row_counts(database) == saved


def test_a_damaged_backup_is_refused_with_the_programs_error(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "fire-20251009T180000Z.dump"
    file.write_bytes(b"no dump")
    database = server.migrated()
    fill(database, 2)
    before = backup.row_counts(database)
    with pytest.raises(backup.BackupError, match=r"pg_restore failed: .*archive"):
        backup.load(database, file, replace=True)
    assert backup.row_counts(database) == before, "a failed restore leaves the database as it was"


def test_an_interrupted_restore_is_reported_with_its_remedy(server: Server, tmp_path: Path) -> None:
    database = server.migrated()
    file, _ = backup.save(database, tmp_path, NOW)
    with psycopg.connect(**database, autocommit=True) as connected:
        connected.execute("CREATE SCHEMA fire_replaced")
    with pytest.raises(backup.BackupError, match="left the schema fire_replaced behind"):
        backup.load(database, file, replace=True)


def test_a_backup_is_readable_by_its_owner_alone_and_named_for_its_time(server: Server, tmp_path: Path) -> None:
    file, _ = backup.save(server.migrated(), tmp_path, NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["fire-20251009T180000Z.dump"]
    assert backup.newest(tmp_path) == file


def test_a_folder_without_a_backup_gives_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupError, match="is not a backup and contains none"):
        backup.newest(tmp_path)


def test_writers_are_not_blocked_while_a_backup_is_made(server: Server, tmp_path: Path) -> None:
    database = server.migrated()
    fill(database, 5)
    saving = threading.Thread(target=backup.save, args=(database, tmp_path, NOW))
    saving.start()
    with psycopg.connect(**database, autocommit=True, options="-c lock_timeout=20s") as connected:
        connected.execute("UPDATE device_state SET total_alarms = total_alarms + 1")
    saving.join()
    assert backup.newest(tmp_path).stat().st_size > 0
