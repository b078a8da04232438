"""Real Kafka, real Postgres, real Flink processes: nothing is lost or doubled, also when parts of it are killed."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from infra.local import flink, folders, postgres, processes, status
from infra.local import stack as embedded
from infra.local.stack import Stack
from infra.local.supervise import CHILD
from jobs.demo_watch import Stored, Watch, differences, stored
from jobs.scenarios import Plan
from jobs.settings import Settings
from jobs.simulate import Fleet, Sent
from jobs.submit import submit
from jobs.topics import TOPICS
from tests.test_lifecycle import reading
from udfs.event_time import EPOCH
from udfs.keyed import GRACE_MS

SCHEMAS = Path(__file__).resolve().parent.parent / "infra" / "schemas"
DEADLINE_SECONDS = 240.0


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The embedded stack with all jobs, in a folder of its own, stopped at the end."""
    real = folders.home_folder(Settings.load())
    if not (real / "jars").exists():
        pytest.skip(f"{real / 'jars'} holds no jars; ./fire test downloads them")
    with embedded.own(real, "test", print) as running:
        submit(running)
        send_history(running)
        yield running


def send_history(stack: Stack) -> None:
    """Ten minutes of one device, half an hour ago: their windows close as soon as anything of now arrives."""
    start = time.time_ns() // 1_000_000 - 1_800_000
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    for idx in range(20):
        body = {"deviceId": "history-1", "siteId": "s", "idx": idx, "timestamp": start + 30_000 * idx, "pcbTemp": 30.0 + idx}
        producer.send("telemetry", json.dumps(body).encode(), key=b"history-1")
    producer.flush()
    producer.close()


def until(holds: Callable[[], Any], what: str) -> Any:
    """Polls a real system until it answers with something true, or fails with what was awaited."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.5)
    return pytest.fail(f"{what} did not happen within {DEADLINE_SECONDS:.0f} s")


def fleet(stack: Stack, plan: Plan) -> Fleet:
    return Fleet(plan, stack.kafka_brokers, stack.settings().topic("telemetry"))


def account(stack: Stack, sent: Sent, watch: Watch) -> Stored:
    """Waits until every message sent is accounted for."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        rows = stored(stack.database(), watch.prefix)
        missing = differences(sent, rows, watch)
        if not missing:
            return rows
        if time.monotonic() > deadline or watch.problem:
            pytest.fail(f"{missing} {watch.problem or ''}")
        time.sleep(0.5)


def kill_task_manager(stack: Stack) -> None:
    """SIGKILL for the JVM that runs detect and alert; its supervisor must bring it back."""
    place = folders.state(stack.home) / "flink" / "main" / "taskmanager" / CHILD
    record = processes.record_of(place)
    assert record, "the TaskManager must run"
    os.kill(record.pid, signal.SIGKILL)


def records(stack: Stack, topic: str, isolation: str = "read_committed") -> list[Any]:
    """Everything that a topic holds now."""
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka_brokers, group_id=None, enable_auto_commit=False,
                             isolation_level=isolation)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.seek_to_beginning(*partitions)
    found: list[Any] = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for batch in consumer.poll(timeout_ms=500).values():
            found += batch
    consumer.close()
    return found


def test_every_message_is_accounted_for_though_a_task_manager_is_killed(stack: Stack) -> None:
    plan = Plan(scenario="spreading-fire", devices=12, rate=150, count=6000, onset=5, malformed=0.02, duplicates=0.02,
                prefix="e2e", seed=7)
    watch, sender = Watch(stack.settings(), "e2e-"), fleet(stack, plan)
    try:
        sender.start()
        until(lambda: watch.readings > 500, "scoring the first 500 readings")
        kill_task_manager(stack)
        until(lambda: not sender.running, "sending every message")
        sent = sender.stop()
        rows = account(stack, sent, watch)
    finally:
        watch.close()
    assert sent.malformed > 50 and sent.duplicates > 50
    assert sent.messages == rows.readings + len(watch.dead_letters) + sent.duplicates
    assert {each.alert["level"] for each in watch.arrivals.values()} == {"HIGH", "CRITICAL"}


ALWAYS = {"dead-letters", "readings", "device-minutes", "device-5min-aggregates", "site-risk", "candidates", "alerts"}
"""Topics that any fleet fills; what the others hold depends on what happens."""


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name != "telemetry"])
def test_what_the_jobs_write_satisfies_the_topics_schema(stack: Stack, topic: str) -> None:
    schema = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    if topic in ALWAYS:
        until(lambda: records(stack, topic), f"a first record in {topic}")
    for record in records(stack, topic)[:2000]:
        row = json.loads(record.value)
        validator.validate(row)
        key = next(each.key for each in TOPICS if each.name == topic)
        assert not key or record.key.decode() == row[key]


def test_rubbish_among_the_candidates_is_a_dead_letter_and_stops_nothing(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    producer.send("candidates", b"rubbish", key=b"x").get(timeout=30)
    producer.close()

    def dead_letters() -> list[Any]:
        letters = [json.loads(record.value) for record in records(stack, "dead-letters")]
        return [letter for letter in letters if letter["source"].startswith("candidates[")]

    until(dead_letters, "a dead letter of the candidate")


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
        watch.close()


def iso(milliseconds: float) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def send_candidates(stack: Stack, candidates: list[dict[str, Any]]) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    for each in candidates:
        producer.send("candidates", json.dumps(each).encode(), key=each["subject"].encode())
    producer.flush()
    producer.close()


def told(stack: Stack, prefix: str, isolation: str = "read_committed") -> list[tuple[str, str]]:
    """Subject and transition of every message about subjects of a prefix."""
    alerts = [json.loads(record.value) for record in records(stack, "alerts", isolation)]
    return [(alert["subject"], alert["transition"]) for alert in alerts if alert["subject"].startswith(prefix)]


def test_silent_device_is_heard_of_when_its_maintenance_ends(stack: Stack) -> None:
    """Its window ends 20 s from now less the grace, which is over 20 s from now: nothing but the job's timer can tell it."""
    end = time.time_ns() / 1e6 - GRACE_MS + 20_000
    held = {"is_held": True, "held_until": iso(end), "event_time": iso(end - 60_000)}
    send_candidates(stack, [reading(0, subject="mute-1") | held])
    until(lambda: told(stack, "mute-"), "the end of the maintenance of a silent device")
    assert told(stack, "mute-") == [("mute-1", "OPENED")]


def restart_alert_job(stack: Stack, delivery: str, monkeypatch: pytest.MonkeyPatch) -> None:
    overview = flink.get(stack.jobmanager, "/jobs/overview")
    (job_id,) = [job["jid"] for job in overview["jobs"] if job["name"] == "fire-alert" and job["state"] == "RUNNING"]
    urllib.request.urlopen(urllib.request.Request(f"http://{stack.jobmanager}/jobs/{job_id}?mode=cancel", method="PATCH"))
    until(lambda: not status.is_running(stack, "alert"), "the end of the alert job")
    monkeypatch.setenv("FIRE_ALERT_DELIVERY", delivery)
    submit(stack, jobs=("alert",))


def test_transitions_written_exactly_once_are_seen_once_though_the_task_manager_is_killed(
        stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed between writing and committing, so that the same transitions are written twice and committed once."""
    restart_alert_job(stack, "exactly-once", monkeypatch)
    subjects = [f"once-{number:03}" for number in range(200)]
    send_candidates(stack, [reading(5, subject=subject) for subject in subjects[:100]])
    until(lambda: not told(stack, "once-") and told(stack, "once-", "read_uncommitted"), "a transition that is not committed")
    kill_task_manager(stack)
    send_candidates(stack, [reading(5, subject=subject) for subject in subjects[100:]])
    until(lambda: len(set(told(stack, "once-"))) == len(subjects), "every transition")
    assert sorted(told(stack, "once-")) == [(subject, "OPENED") for subject in subjects]
    assert len(told(stack, "once-", "read_uncommitted")) > len(subjects)


def test_down_leaves_nothing_running(stack: Stack) -> None:
    assert embedded.stop(stack.home)
    assert not any(alive for _, alive in embedded.parts(stack.home))
    left = [line for line in _command_lines() if str(stack.home) in line]
    assert left == []


def _command_lines() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except FileNotFoundError:
            continue
    return found
