"""Drills on the real stack: an outage, savepoints, a lost database and a killed process lose and duplicate nothing."""

from __future__ import annotations

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from commands import backup
from commands.cluster.rewind import rewind
from commands.cluster.stop import stop
from commands.cluster.submit import submit
from commands.demo.watch import Watch, job_states, stored
from commands.simulate.scenarios import Plan
from core import flink_rest
from core.embedded_stack import Stack
from infra.local import postgres, status
from tests.support.stacks import account, fleet, kill_task_manager, send_all, send_candidates, transitions
from tests.support.waiting import until
from tests.udfs.test_lifecycle import reading

ROUNDS = 5


def test_alerts_flow_while_postgres_is_down_and_everything_is_stored_when_it_is_back(stack: Stack) -> None:
    plan = Plan(scenario="heating", devices=4, sites=2, rate=20, count=800, onset=2, prefix="outage", seed=3)
    watch, sender = Watch(stack.settings(), "outage-"), fleet(stack, plan)
    try:
        postgres.stop(stack.home)
        sender.start()
        until(lambda: watch.arrivals, "an alert while Postgres is down")
        until(lambda: not sender.running, "sending every message")
        postgres.start(stack.home, stack.postgres_port)
        account(stack, sender.stop(), watch)
    finally:
        postgres.start(stack.home, stack.postgres_port)
        watch.close()


def test_a_savepoint_and_a_restored_database_lose_nothing(stack: Stack, tmp_path: Path) -> None:
    """Saves, continues, loses the database, restores it and rewinds the store; detect continues from its savepoint."""
    begun = datetime.now(UTC)
    file, saved = backup.save(stack.database(), tmp_path, begun)
    lost = send_all(stack, Plan(scenario="normal", devices=5, rate=200, count=400, prefix="lost", seed=5))
    until(lambda: stored(stack.database(), "lost-").readings == lost.readings, "storing what the backup does not hold")
    until(lambda: set(job_states(stack.jobmanager, stack.store_jobmanager).values()) == {"RUNNING"}, "jobs that all run")
    savepoint, _ = stop(stack.jobmanager, "detect"), stop(stack.store_jobmanager, "store")
    with psycopg.connect(**stack.database(), autocommit=True) as connected:
        connected.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert backup.load(stack.database(), file, replace=False) == saved
    rewind(stack.settings(), "store", begun)
    waiting = send_all(stack, Plan(scenario="normal", devices=5, rate=200, count=400, prefix="waiting", seed=6))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda given: submit(stack, *given), [(("detect",), savepoint), (("store",),)]))
    until(lambda: stored(stack.database(), "lost-").readings == lost.readings, "storing again what came after the backup")
    until(lambda: stored(stack.database(), "waiting-").readings == waiting.readings, "reading what came while detect was stopped")


def restart_alert_job(stack: Stack, delivery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    overview = flink_rest.get(stack.jobmanager, "/jobs/overview")
    (job_id,) = [job["jid"] for job in overview["jobs"] if job["name"] == "fire-alert" and job["state"] == "RUNNING"]
    urllib.request.urlopen(urllib.request.Request(f"http://{stack.jobmanager}/jobs/{job_id}?mode=cancel", method="PATCH"))
    until(lambda: not status.is_running(stack, "alert"), "the end of the alert job")
    monkeypatch.setenv("FIRE_ALERT_DELIVERY", delivery)
    submit(stack, jobs=("alert",))


def test_transitions_written_exactly_once_are_seen_once_though_the_task_manager_is_killed(
        stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between write and commit writes the transitions twice and commits them once; other kills are repeated."""
    restart_alert_job(stack, "exactly-once", monkeypatch)
    for number in range(ROUNDS):
        subjects = [f"once-{number}-{subject:03}" for subject in range(200)]
        send_candidates(stack, [reading(5, subject=subject) for subject in subjects[:100]])
        until(lambda prefix=f"once-{number}-": transitions(stack, prefix, "read_uncommitted"), "a transition, committed or not")
        kill_task_manager(stack)
        send_candidates(stack, [reading(5, subject=subject) for subject in subjects[100:]])
        until(lambda prefix=f"once-{number}-": len(set(transitions(stack, prefix))) == 200, "every transition")
        assert sorted(transitions(stack, f"once-{number}-")) == [(subject, "OPENED") for subject in subjects]
        if len(transitions(stack, f"once-{number}-", "read_uncommitted")) > len(subjects):
            return
    pytest.fail(f"each of {ROUNDS} kills came after the commit, so that nothing was written twice")
