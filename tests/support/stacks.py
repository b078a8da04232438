"""The embedded stack with all jobs, one per session, and functions with which tests use it."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from commands.cluster.submit import submit
from commands.demo.watch import Stored, Watch, differences, stored
from commands.simulate.scenarios import Plan
from commands.simulate.sender import Fleet, Sent
from core import embedded_stack, installation
from core.embedded_stack import Stack
from core.settings import Settings
from infra.local import flink, processes
from infra.local import stack as embedded
from infra.local.flink_config import REPORTERS, Cluster
from infra.local.supervise import CHILD
from tests.support.free_ports import free_ports, free_range
from tests.support.waiting import DEADLINE_SECONDS, until

TASKMANAGER_OPTIONS = flink.taskmanager_options


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Starts the embedded stack with all jobs in its own folder and on its own ports, and stops it at the end."""
    real = installation.home_folder(Settings.load())
    if not (real / "jars").exists():
        pytest.skip(f"{real / 'jars'} contains no jars; ./fire test downloads them")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_stack, "DEFAULT_PORTS", free_ports(*embedded_stack.DEFAULT_PORTS))
        patch.setattr(flink, "taskmanager_options", quick_options)
        patch.setenv("FIRE_LOG_FORMAT", "json")
        patch.setenv("FIRE_FLINK_METRICS_PORT", str(free_range(REPORTERS)))
        yield from _started(real)


def quick_options(cluster: Cluster) -> list[str]:
    """Returns a TaskManager's options without the optimising compiler, which pays off only in long computations."""
    return [*TASKMANAGER_OPTIONS(cluster), "-XX:TieredStopAtLevel=1"]


def _started(real: Path) -> Iterator[Stack]:
    with embedded.own(real, "test", print) as running:
        submit(running)
        _send_history(running)
        yield running


def _send_history(stack: Stack) -> None:
    """Sends ten minutes of one device from half an hour ago, whose windows close as soon as a current message arrives."""
    start = time.time_ns() // 1_000_000 - 1_800_000
    send(stack, "telemetry", [{"deviceId": "history-1", "siteId": "s", "idx": idx, "timestamp": start + 30_000 * idx,
                               "pcbTemp": 30.0 + idx} for idx in range(20)], key="deviceId")


def send(stack: Stack, topic: str, rows: list[dict[str, Any]], key: str) -> None:
    """Writes rows to a topic and waits until the broker has stored all of them."""
    producer = KafkaProducer(bootstrap_servers=stack.kafka_brokers)
    for row in rows:
        producer.send(topic, json.dumps(row).encode(), key=row[key].encode())
    producer.flush()
    producer.close()


def send_candidates(stack: Stack, candidates: list[dict[str, Any]]) -> None:
    """Writes candidates as the detect job does."""
    send(stack, "candidates", candidates, key="subject")


def fleet(stack: Stack, plan: Plan) -> Fleet:
    """Returns a simulated fleet that sends to the stack once it is started."""
    return Fleet(plan, stack.kafka_brokers, stack.settings().topic("telemetry"))


def send_all(stack: Stack, plan: Plan) -> Sent:
    """Sends all messages of a plan and returns what was sent."""
    sender = fleet(stack, plan)
    sender.start()
    until(lambda: not sender.running, "sending every message")
    return sender.stop()


def account(stack: Stack, sent: Sent, watch: Watch) -> Stored:
    """Waits until every sent message is accounted for and returns what was stored."""
    def missing() -> list[str]:
        assert watch.problem is None, watch.problem
        return differences(sent, stored(stack.database(), watch.prefix), watch)

    until(lambda: not missing(), lambda: f"the end of this: {missing()};", pause=0.5)
    return stored(stack.database(), watch.prefix)


def kill_task_manager(stack: Stack) -> None:
    """Kills the JVM that runs detect and alert with SIGKILL, and waits until its supervisor has restarted it."""
    folder = installation.state(stack.home) / "flink" / "main" / "taskmanager" / CHILD
    until(lambda: processes.alive(folder), "a running TaskManager")
    record = processes.record_of(folder)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: processes.alive(folder) and processes.record_of(folder) != record, "a new TaskManager")


def records(stack: Stack, topic: str, isolation: str = "read_committed") -> list[Any]:
    """Returns all records that a topic contains at the time of the call."""
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka_brokers, group_id=None, enable_auto_commit=False,
                             isolation_level=isolation)
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    consumer.seek_to_beginning(*partitions)
    collected: list[Any] = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for batch in consumer.poll(timeout_ms=500).values():
            collected += batch
    consumer.close()
    return collected


def transitions(stack: Stack, prefix: str, isolation: str = "read_committed") -> list[tuple[str, str]]:
    """Returns the subject and the transition of every alert message whose subject has a prefix."""
    alerts = [json.loads(record.value) for record in records(stack, "alerts", isolation)]
    return [(alert["subject"], alert["transition"]) for alert in alerts if alert["subject"].startswith(prefix)]


def ask(stack: Stack, path: str) -> Any:
    """Returns the dashboard's JSON response."""
    with urllib.request.urlopen(f"{stack.dashboard}{path}", timeout=DEADLINE_SECONDS) as answer:
        return json.load(answer)
