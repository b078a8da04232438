"""Processes that outlive the command that started them can be found, inspected and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core import installation
from infra.local import postgres, processes
from infra.local.supervise import CHILD
from tests.support.free_ports import free_ports
from tests.support.waiting import DEADLINE_SECONDS, until

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installation.ROOT)}
ORPHANING = "sleep 600 & exec sleep 600"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop(tmp_path, grace=5)
    processes.stop(tmp_path / CHILD)


def start(folder: Path, script: str) -> processes.Record:
    return processes.start(folder, ["bash", "-c", script], env=ENVIRONMENT)


def test_a_started_process_is_found_again_and_stopped(folder: Path) -> None:
    record = start(folder, "exec sleep 600")
    assert processes.alive(folder) and processes.record_of(folder) == record
    assert processes.stop(folder)
    assert not processes.is_alive(record) and processes.record_of(folder) is None


def test_stopping_twice_reports_that_nothing_ran(folder: Path) -> None:
    start(folder, "exec sleep 600")
    assert processes.stop(folder)
    assert not processes.stop(folder)


def test_children_end_with_their_leader(folder: Path) -> None:
    record = start(folder, ORPHANING)
    until(lambda: len(processes.members(record)) == 2, "the start of the child")
    processes.stop(folder)
    assert processes.members(record) == []


def test_orphans_of_a_killed_leader_are_killed_too(folder: Path) -> None:
    record = start(folder, ORPHANING)
    until(lambda: len(processes.members(record)) == 2, "the start of the child")
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: not processes.alive(folder), "the leader's end")
    assert processes.stop(folder), "the orphan counts as found"
    assert processes.members(record) == []


def test_a_process_that_ignores_the_signal_is_killed(folder: Path) -> None:
    record = start(folder, "trap '' TERM; echo ready; while :; do sleep 600; done")
    until(lambda: Path(record.log).read_text(), "the setting of the trap")
    processes.stop(folder, grace=0.2)
    assert processes.members(record) == []


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another"}])
def test_a_recycled_process_id_is_never_killed(folder: Path, change: dict[str, object]) -> None:
    innocent = start(folder / "innocent", "exec sleep 600")
    stale = replace(innocent, **change)  # type: ignore[arg-type]
    (folder / processes.RECORD).write_text(json.dumps(vars(stale)))
    assert not processes.alive(folder)
    assert not processes.stop(folder)
    assert processes.alive(folder / "innocent")
    processes.stop(folder / "innocent")


def test_an_early_end_is_reported_with_the_end_of_the_log(folder: Path) -> None:
    start(folder, "echo the disk is full >&2; exit 1")
    with pytest.raises(processes.ProcessError, match=r"(?s)Kafka ended while starting.*the disk is full"):
        processes.wait_until(lambda: False, "Kafka", folder, DEADLINE_SECONDS)


def test_a_start_that_takes_too_long_is_reported_with_the_end_of_the_log(folder: Path) -> None:
    record = start(folder, "echo still at it; exec sleep 600")
    until(lambda: Path(record.log).read_text(), "a line of the log")
    with pytest.raises(processes.ProcessError, match=r"(?s)Kafka was not ready within 0 s.*still at it"):
        processes.wait_until(lambda: False, "Kafka", folder, 0.2)


def test_a_supervised_process_is_restarted_without_its_orphans_and_ends_on_request(folder: Path) -> None:
    command = [sys.executable, "-m", "infra.local.supervise", str(folder), "bash", "-c", ORPHANING]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as supervisor:
        until(lambda: processes.alive(folder / CHILD), "the start of the child")
        first = processes.record_of(folder / CHILD)
        assert first is not None
        until(lambda: len(processes.members(first)) == 2, "the start of the grandchild")
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: processes.alive(folder / CHILD) and processes.record_of(folder / CHILD) != first,
              "the child's return")
        assert processes.members(first) == []
        second = processes.record_of(folder / CHILD)
        supervisor.terminate()
        assert supervisor.wait(DEADLINE_SECONDS) == 0
    assert second is not None and processes.members(second) == []


def test_postgres_starts_again_after_its_server_was_killed_below_a_busy_backend(tmp_path: Path) -> None:
    (port,) = free_ports("Postgres").values()
    postgres.start(tmp_path, port)
    try:
        with closing(psycopg.connect(**postgres.connection(tmp_path, port))) as before:
            # Busy, it does not notice for some seconds that its server is gone.
            before.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 30000000)")
            record = processes.record_of(postgres.folder(tmp_path))
            assert record is not None
            os.kill(record.pid, signal.SIGKILL)
            until(lambda: not processes.is_alive(record), "the end of the killed server")
            postgres.start(tmp_path, port)
        with psycopg.connect(**postgres.connection(tmp_path, port)) as after:
            assert after.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop(tmp_path)
