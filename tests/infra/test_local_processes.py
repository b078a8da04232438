"""Starting, judging and stopping processes that outlive the command that started them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core import installation
from infra.local import ports, postgres, processes
from infra.local.supervise import CHILD

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installation.ROOT)}
ORPHANING = "sleep 600 & exec sleep 600"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    processes.stop(tmp_path, grace=5)
    processes.stop(tmp_path / CHILD)


def start(folder: Path, script: str) -> processes.Record:
    return processes.start(folder, ["bash", "-c", script], env=ENVIRONMENT)


def eventually(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_started_process_is_found_again_and_stopped(folder: Path) -> None:
    record = start(folder, "exec sleep 600")
    assert processes.alive(folder) and processes.record_of(folder) == record
    assert processes.stop(folder)
    assert not processes.is_alive(record) and processes.record_of(folder) is None


def test_stopping_twice_says_that_nothing_was_there(folder: Path) -> None:
    start(folder, "exec sleep 600")
    assert processes.stop(folder)
    assert not processes.stop(folder)


def test_children_end_with_their_leader(folder: Path) -> None:
    record = start(folder, ORPHANING)
    eventually(lambda: len(processes.members(record)) == 2, "the child did not start")
    processes.stop(folder)
    assert processes.members(record) == []


def test_orphans_of_a_killed_leader_are_ended_too(folder: Path) -> None:
    record = start(folder, ORPHANING)
    eventually(lambda: len(processes.members(record)) == 2, "the child did not start")
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not processes.alive(folder), "the leader survived")
    assert processes.stop(folder), "the orphan counts as found"
    assert processes.members(record) == []


def test_a_process_that_ignores_the_request_is_killed(folder: Path) -> None:
    record = start(folder, "trap '' TERM; echo ready; while :; do sleep 600; done")
    eventually(lambda: Path(record.log).read_text(), "the trap was not set")
    processes.stop(folder, grace=0.2)
    assert processes.members(record) == []


@pytest.mark.parametrize("lie", [{"start": 1}, {"boot": "another"}])
def test_a_recycled_process_id_is_never_killed(folder: Path, lie: dict[str, object]) -> None:
    innocent = start(folder / "innocent", "exec sleep 600")
    stale = replace(innocent, **lie)  # type: ignore[arg-type]
    (folder / processes.RECORD).write_text(json.dumps(vars(stale)))
    assert not processes.alive(folder)
    assert not processes.stop(folder)
    assert processes.alive(folder / "innocent")
    processes.stop(folder / "innocent")


def test_an_early_end_is_told_with_the_logs_end(folder: Path) -> None:
    start(folder, "echo the disk is full >&2; exit 1")
    with pytest.raises(processes.ProcessError, match=r"(?s)Kafka ended while starting.*the disk is full"):
        processes.wait_until(lambda: False, "Kafka", folder, 20)


def test_a_start_that_takes_too_long_is_told_with_the_logs_end(folder: Path) -> None:
    record = start(folder, "echo still at it; exec sleep 600")
    eventually(lambda: Path(record.log).read_text(), "nothing was logged")
    with pytest.raises(processes.ProcessError, match=r"(?s)Kafka was not ready within 0 s.*still at it"):
        processes.wait_until(lambda: False, "Kafka", folder, 0.2)


def test_a_supervised_process_comes_back_without_its_orphans_and_ends_when_asked(folder: Path) -> None:
    command = [sys.executable, "-m", "infra.local.supervise", str(folder), "bash", "-c", ORPHANING]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as supervisor:
        eventually(lambda: processes.alive(folder / CHILD), "the child did not start")
        first = processes.record_of(folder / CHILD)
        assert first is not None
        eventually(lambda: len(processes.members(first)) == 2, "the grandchild did not start")
        os.kill(first.pid, signal.SIGKILL)
        eventually(lambda: processes.alive(folder / CHILD) and processes.record_of(folder / CHILD) != first,
                   "the child did not come back")
        assert processes.members(first) == []
        second = processes.record_of(folder / CHILD)
        supervisor.terminate()
        assert supervisor.wait(20) == 0
    assert second is not None and processes.members(second) == []


def test_postgres_starts_again_after_its_server_was_killed_below_a_busy_backend(tmp_path: Path) -> None:
    (port,) = ports.choose({"Postgres": 27_500}, print).values()
    postgres.start(tmp_path, port)
    try:
        with closing(psycopg.connect(**postgres.connection(tmp_path, port))) as before:
            # Busy, it does not notice for some seconds that its server is gone.
            before.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 30000000)")
            record = processes.record_of(postgres.folder(tmp_path))
            assert record is not None
            os.kill(record.pid, signal.SIGKILL)
            eventually(lambda: not processes.is_alive(record), "the killed server goes on")
            postgres.start(tmp_path, port)
        with psycopg.connect(**postgres.connection(tmp_path, port)) as after:
            assert after.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop(tmp_path)
