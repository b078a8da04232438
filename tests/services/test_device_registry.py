"""The table `device_registry` says what the registry's file says, on a real server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.settings import Settings
from services import retention
from services.device_registry import Registered, fill
from tests.support.databases import Server
from udfs.registry.format import RegistryError

ROWS = "SELECT device_id, site_id, zone, profile, version, removed_at IS NOT NULL FROM device_registry ORDER BY device_id"
HALLS: dict[str, Any] = {
    "version": "1", "sites": {"hall": {"name": "Hall"}}, "profiles": {"us": {"nominal_voltage": 120}},
    "devices": {"dev-1": {"site": "hall", "zone": "panel", "profile": "us"}, "dev-2": {}},
}  # fmt: skip


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> Settings:
    """Returns settings of an empty database and of a registry that does not exist yet."""
    return Settings(**{f"postgres_{name}": value for name, value in _connection(server).items()},
                    registry=str(tmp_path / "registry.json"))


def _connection(server: Server) -> dict[str, Any]:
    found = server.migrated()
    return {"host": found["host"], "port": found["port"], "database": found["dbname"], "user": found["user"]}


def write(settings: Settings, registry: dict[str, Any]) -> None:
    Path(settings.registry).write_text(json.dumps(registry))


def stored(settings: Settings, server: Server) -> list[tuple[Any, ...]]:
    with psycopg.connect(host=settings.postgres_host, port=settings.postgres_port, dbname=settings.postgres_database,
                         user=settings.postgres_user, passfile=str(server.passwords)) as connection:
        return connection.execute(ROWS).fetchall()


def test_table_follows_the_file_and_marks_devices_that_left(settings: Settings, server: Server,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", str(server.passwords))
    write(settings, HALLS)
    assert fill(settings) == Registered(2, 0)
    assert stored(settings, server) == [("dev-1", "hall", "panel", "us", "1", False),
                                        ("dev-2", None, None, "default", "1", False)]
    assert fill(settings) == Registered(0, 0)
    write(settings, HALLS | {"version": "2", "devices": {"dev-1": {"site": "hall"}}})
    assert fill(settings) == Registered(1, 1)
    assert stored(settings, server) == [("dev-1", "hall", None, "default", "2", False),
                                        ("dev-2", None, None, "default", "1", True)]
    write(settings, HALLS | {"version": "3"})
    assert fill(settings) == Registered(2, 0)
    assert not any(removed for *_, removed in stored(settings, server))


def test_refused_registry_leaves_the_table_and_fails_only_its_part_of_the_round(
        settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PGPASSFILE", str(server.passwords))
    write(settings, HALLS)
    fill(settings)
    write(settings, HALLS | {"devices": {"dev-1": {"site": "nowhere"}}})
    with pytest.raises(RegistryError, match="nowhere"):
        fill(settings)
    assert len(stored(settings, server)) == 2
    monkeypatch.setattr(Settings, "load", lambda: settings)
    assert retention.main([]) == 1
    said = "".join(capsys.readouterr())
    assert "days added" in said
    assert "is refused" in said


def test_without_a_registry_nothing_is_written(server: Server) -> None:
    assert fill(Settings()) == Registered(0, 0)
