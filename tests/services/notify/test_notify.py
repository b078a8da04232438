"""Tests the notifier: retry times, the outbox in a real Postgres, deliveries to a real receiver, and the command with Kafka."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import dict_row

from core import installation
from core.retries import FIRST, LONGEST, delay, next_attempt
from services.notify import server as notify
from services.notify.channels import Channel
from services.notify.endpoint import Endpoint
from services.notify.notification import Notice, UndeliveredError
from services.notify.outbox import CLAIM, Outbox, Refusal, connector
from services.notify.reconnect import Retry, StoppedError
from services.notify.targets import Target
from services.notify.webhook import Webhook
from services.notify.worker import Deliverer, Worker
from tests.support.brokers import create_topics
from tests.support.databases import Server
from tests.support.free_ports import free_ports
from tests.support.receivers import HANG, NOON, Receiver, alert, receiving
from tests.support.waiting import DEADLINE_SECONDS, until

KEY = "a-key-of-sixteen-characters-or-more"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class MemoryTarget:
    """A target that keeps its notices in memory; `failures` are raised first, one per call."""

    failures: list[Exception] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.notices]

    def send(self, notice: Notice, at: datetime) -> str:
        self.notices.append(notice)
        if self.failures:
            raise self.failures.pop(0)
        return ""


def channel(target: Target, name: str = "room", **changed: Any) -> Channel:
    return Channel(**{"name": name, "min_level": "HIGH", "language": "en", "sites": frozenset(), "max_age": timedelta(hours=1),
                      "target": target} | changed)


def webhook(receiver: Receiver, timeout: float = DEADLINE_SECONDS) -> Webhook:
    return Webhook(endpoint=Endpoint(url=receiver.url, allow_private=True, timeout=timeout), key=KEY.encode())


@pytest.fixture
def outbox(database: dict[str, Any]) -> Iterator[Outbox]:
    made = Outbox(connector(database))
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def deliverer(to: Channel, outbox: Outbox, clock: Clock) -> Deliverer:
    return Deliverer(to, outbox, clock, lambda line: None)


def deliver_all(to: Deliverer) -> int:
    count = 0
    while to.deliver_next():
        count += 1
    return count


def rows(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM notifications ORDER BY sequence").fetchall()


@given(st.integers(1, 10_000))
def test_pauses_double_and_stay_within_their_bounds(attempts: int) -> None:
    assert FIRST <= delay(attempts) <= delay(attempts + 1) <= LONGEST
    assert delay(attempts + 1) in (2 * delay(attempts), LONGEST)


@given(st.integers(1, 10_000), st.integers(-100, 10_000))
def test_next_attempt_is_never_beyond_the_time_to_give_up(attempts: int, left: int) -> None:
    give_up_at = NOON + timedelta(seconds=left)
    due = next_attempt(attempts, NOON, give_up_at)
    assert due == (NOON + delay(attempts) if NOON + delay(attempts) <= give_up_at else None)


def test_each_channel_receives_each_wanted_transition_once(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    both = (channel(MemoryTarget()), channel(MemoryTarget(), "critical-only", min_level="CRITICAL"))
    transitions = [alert(), alert("ESCALATED", level="CRITICAL"), alert("CLEARED", level="CRITICAL")]
    outbox.add(transitions, [], both, NOON)
    outbox.add(transitions, [], both, NOON + timedelta(hours=1))
    assert [(row["channel"], row["transition"]) for row in rows(connection)] == [
        ("room", "OPENED"), ("room", "ESCALATED"), ("critical-only", "ESCALATED"), ("room", "CLEARED"),
        ("critical-only", "CLEARED")]
    assert all(row["created_at"] == NOON for row in rows(connection))


def test_every_reminder_is_a_delivery_of_its_own(outbox: Outbox) -> None:
    target, clock = MemoryTarget(), Clock()
    reminders = [alert("REMINDED", event_time=f"2026-03-01T12:{minute}:00.000Z") for minute in (15, 30, 15)]
    outbox.add(reminders, [], [channel(target)], NOON)
    assert deliver_all(deliverer(channel(target), outbox, clock)) == 2


def test_receiver_that_fails_and_hangs_is_sent_to_again_until_it_recovers(outbox: Outbox, receiver: Receiver,
                                                                         connection: psycopg.Connection[Any]) -> None:
    receiver.answers.extend([500, HANG])
    clock, patient, hasty = Clock(), channel(webhook(receiver)), channel(webhook(receiver, timeout=1.0))
    outbox.add([alert()], [], [patient], NOON)
    sending = deliverer(patient, outbox, clock)
    assert deliver_all(sending) == 1
    assert deliver_all(sending) == 0, "it is not due yet"
    clock.advance(2)
    assert deliver_all(deliverer(hasty, outbox, clock)) == 1
    clock.advance(4)
    assert deliver_all(sending) == 1 and deliver_all(sending) == 0
    row = rows(connection)[0]
    assert (row["state"], row["attempts"], row["delivered_at"]) == ("DELIVERED", 3, clock.now)
    assert set(receiver.keys) == {row["idempotency_key"]} and len({call.body for call in receiver.calls}) == 1
    assert [call.headers["X-Fire-Attempt"] for call in receiver.calls] == ["1", "2", "3"]
    stamps = [int(call.headers["X-Fire-Timestamp"]) - int(NOON.timestamp()) for call in receiver.calls]
    assert stamps == [0, 2, 6]


def test_critical_delivery_is_sent_before_older_ones(outbox: Outbox) -> None:
    target = MemoryTarget()
    transitions = [alert(alert_id=f"a{number}") for number in range(3)] + [alert(alert_id="fire", level="CRITICAL")]
    outbox.add(transitions, [], [channel(target)], NOON)
    deliver_all(deliverer(channel(target), outbox, Clock()))
    assert target.keys == ["fire:OPENED", "a0:OPENED", "a1:OPENED", "a2:OPENED"]


def test_transitions_of_one_alert_stay_in_order_without_delaying_others(outbox: Outbox) -> None:
    target, clock = MemoryTarget([UndeliveredError("down")]), Clock()
    outbox.add([alert(alert_id="a"), alert("CLEARED", alert_id="a"), alert(alert_id="b")], [], [channel(target)], NOON)
    sending = deliverer(channel(target), outbox, clock)
    deliver_all(sending)
    assert target.keys == ["a:OPENED", "b:OPENED"]
    clock.advance(2)
    deliver_all(sending)
    assert target.keys[2:] == ["a:OPENED", "a:CLEARED"]


def test_critical_escalation_makes_pending_transitions_of_its_alert_due(outbox: Outbox) -> None:
    target, clock = MemoryTarget([UndeliveredError("down")] * 6), Clock()
    outbox.add([alert(alert_id="a"), *(alert(alert_id=f"b{number}") for number in range(2))], [], [channel(target)], NOON)
    sending = deliverer(channel(target), outbox, clock)
    deliver_all(sending)
    clock.advance(2)
    deliver_all(sending)
    target.notices.clear()
    outbox.add([alert("ESCALATED", alert_id="a", level="CRITICAL")], [], [channel(target)], clock.now)
    deliver_all(sending)
    assert target.keys == ["a:OPENED", "a:ESCALATED:CRITICAL"]


def test_delivery_that_grows_too_old_is_parked_and_can_be_retried(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    target, clock = MemoryTarget([UndeliveredError("answered 500")] * 1000), Clock()
    to = channel(target, max_age=timedelta(minutes=10))
    outbox.add([alert()], [], [to], NOON)
    sending = deliverer(to, outbox, clock)
    for _ in range(1000):
        deliver_all(sending)
        clock.advance(1)
    row = rows(connection)[0]
    assert (row["state"], row["attempts"], row["last_error"]) == ("PARKED", 9, "answered 500")
    assert outbox.status()[0]["parked"] == 1 and outbox.backlog()[0]["last_error"] == "answered 500"
    target.failures.clear()
    assert outbox.retry_parked(clock.now) == (1, 0)
    assert deliver_all(sending) == 1 and target.notices[-1].attempt == 10


def test_permanently_refused_delivery_is_parked_at_once_and_delays_nothing(outbox: Outbox) -> None:
    target = MemoryTarget([UndeliveredError("answered 422", is_final=True)])
    outbox.add([alert(), alert("CLEARED")], [], [channel(target)], NOON)
    assert deliver_all(deliverer(channel(target), outbox, Clock())) == 2
    assert [row["state"] for row in outbox.backlog()] == ["PARKED"]
    assert outbox.retry_parked(NOON) == (0, 1), "an alarm after its all-clear would mislead"


def test_unexpected_error_of_a_channel_is_a_failed_attempt(outbox: Outbox) -> None:
    target = MemoryTarget([ZeroDivisionError("of all things")])
    outbox.add([alert()], [], [channel(target)], NOON)
    deliver_all(deliverer(channel(target), outbox, Clock()))
    assert outbox.backlog()[0]["last_error"] == "ZeroDivisionError: of all things"


def test_crash_between_sending_and_recording_repeats_with_the_same_key_and_counts_it(
        outbox: Outbox, receiver: Receiver, connection: psycopg.Connection[Any]) -> None:
    to, clock = channel(webhook(receiver)), Clock()
    outbox.add([alert()], [], [to], NOON)
    claimed = outbox.claim(to, clock())
    assert claimed is not None
    to.target.send(claimed.notice, clock())  # the notifier crashes after this
    restarted = deliverer(to, outbox, clock)
    assert deliver_all(restarted) == 0
    clock.advance(CLAIM.total_seconds())
    assert deliver_all(restarted) == 1
    assert receiver.keys == ["0f3a5c7e9b1d2f40:OPENED"] * 2 and receiver.calls[1].headers["X-Fire-Attempt"] == "2"
    assert (rows(connection)[0]["attempts"], outbox.status()[0]["repeated"]) == (2, 1)


def test_crash_before_the_commit_leaves_nothing_behind(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    unusable = alert(alert_id="a", subject="nul\0")
    with pytest.raises(psycopg.DataError):
        outbox.add([alert(), unusable], [], [channel(MemoryTarget())], NOON)
    assert rows(connection) == []


def test_two_notifiers_at_once_send_each_delivery_once(database: dict[str, Any], outbox: Outbox) -> None:
    targets = [MemoryTarget(), MemoryTarget()]
    transitions = ("OPENED", "CLEARED")
    outbox.add([alert(transition, alert_id=f"a{number}") for number in range(40) for transition in transitions], [],
               [channel(MemoryTarget())], NOON)
    boxes = [Outbox(connector(database)) for _ in targets]
    threads = [threading.Thread(target=deliver_all, args=[deliverer(channel(target), box, Clock())])
               for target, box in zip(targets, boxes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    for box in boxes:
        box.close()
    sent = sorted(targets[0].keys + targets[1].keys)
    assert len(sent) == len(set(sent)) and deliver_all(deliverer(channel(MemoryTarget()), outbox, Clock())) + len(sent) == 80


def test_attempt_is_recorded_after_the_database_comes_back(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    target = MemoryTarget()

    class Cutting(MemoryTarget):
        def send(self, notice: Notice, at: datetime) -> str:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fire-notify'")
            return target.send(notice, at)

    to = channel(Cutting())
    outbox.add([alert()], [], [to], NOON)
    log: list[str] = []
    retry = Retry(lambda seconds: False, log.append)
    assert retry.until_done(deliverer(to, outbox, Clock()).deliver_next)
    assert len(target.notices) == 1 and rows(connection)[0]["state"] == "DELIVERED"
    assert "waiting for it" in log[0] and log[1] == "Postgres answers again after 1 attempts"


def test_unreachable_postgres_is_retried_after_growing_pauses_until_the_program_stops(server: Server) -> None:
    pauses: list[float] = []
    log: list[str] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 6

    nobody = {"host": "127.0.0.1", "port": free_ports("none")["none"], "dbname": "fire", "user": "fire"}
    with pytest.raises(StoppedError):
        Retry(pause, log.append).until_done(Outbox(connector(nobody)).status)
    assert pauses == [2, 4, 8, 15, 15, 15] and len(log) == 1 and "is unreachable; waiting" in log[0]


def test_slow_channel_does_not_delay_the_others(database: dict[str, Any], outbox: Outbox, receiver: Receiver) -> None:
    receiver.answers.append(HANG)
    slow, fast = channel(webhook(receiver), "slow"), channel(MemoryTarget(), "fast")
    outbox.add([alert(alert_id=f"a{number}") for number in range(20)], [], [slow, fast], NOON)
    stop = threading.Event()
    workers = [Worker(Deliverer(each, Outbox(connector(database)), Clock(), lambda line: None), stop, print)
               for each in (slow, fast)]
    for worker in workers:
        worker.start()
    assert eventually(lambda: len(fast.target.notices) == 20)  # type: ignore[attr-defined]
    assert eventually(lambda: len(receiver.calls) == 1)
    stop.set()
    receiver.ended.set()
    for worker in workers:
        worker.wake()
        worker.join(DEADLINE_SECONDS)
        assert not worker.is_alive() and worker.problem is None
    state = {row["channel"]: row for row in outbox.status()}
    assert (state["fast"]["delivered"], state["slow"]["pending"]) == (20, 20)
    assert sum(row["attempts"] for row in outbox.backlog()) == 1, "the attempt under way was finished and recorded"


def test_error_in_a_worker_is_kept_for_the_main_thread(outbox: Outbox) -> None:
    broken = Deliverer(channel(MemoryTarget()), outbox, lambda: 1 / 0, print)  # type: ignore[arg-type,return-value]
    worker = Worker(broken, threading.Event(), print)
    worker.start()
    worker.join(DEADLINE_SECONDS)
    assert isinstance(worker.problem, ZeroDivisionError)


def test_expiry_deletes_settled_deliveries_and_keeps_pending_ones(outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    target = MemoryTarget()
    outbox.add([alert(alert_id="a"), alert(alert_id="b")], [], [channel(target)], NOON - timedelta(days=3000))
    deliverer(channel(target), outbox, Clock()).deliver_next()
    outbox.expire(90)
    assert [row["idempotency_key"] for row in rows(connection)] == ["b:OPENED"]


def test_outbox_and_log_contain_no_secret(outbox: Outbox, receiver: Receiver, connection: psycopg.Connection[Any]) -> None:
    receiver.answers.append(500)
    to, log = channel(webhook(receiver)), list[str]()
    outbox.add([alert()], [], [to], NOON)
    Deliverer(to, outbox, Clock(), log.append).deliver_next()
    assert log and KEY not in repr((log, rows(connection), to))


def test_record_that_cannot_be_delivered_is_recorded_and_does_not_stop_the_others(
        outbox: Outbox, connection: psycopg.Connection[Any]) -> None:
    @dataclass
    class Record:
        value: bytes | None
        offset: int
        topic: str = "alerts"
        partition: int = 2

    intake = notify.Intake(outbox, [channel(MemoryTarget())], Retry(lambda seconds: True, print))
    records = [Record(b"rubbish", 7), Record(json.dumps(alert()).encode(), 8), Record(None, 9)]
    refused = intake.take(records)
    assert [each.source for each in refused] == ["notify:alerts[2]@7", "notify:alerts[2]@9"]
    assert intake.take(records) == refused and isinstance(refused[0], Refusal)
    assert connection.execute("SELECT count(*) FROM store_refusals").fetchone() == (2,)
    assert len(rows(connection)) == 1


def test_status_shows_what_is_pending_and_parked(outbox: Outbox) -> None:
    log: list[str] = []
    notify.show(outbox, log.append)
    target = MemoryTarget([UndeliveredError("answered 422", is_final=True)])
    outbox.add([alert(alert_id="a"), alert(alert_id="b", level="CRITICAL"), alert(alert_id="c")], [], [channel(target)], NOON)
    deliverer(channel(target), outbox, Clock()).deliver_next()
    deliverer(channel(target), outbox, Clock()).deliver_next()
    notify.show(outbox, log.append)
    assert log == [
        "the outbox is empty",
        "room: 1 pending, 1 parked, 1 delivered, 0 of them after more than one attempt",
        "PARKED room b:OPENED CRITICAL dev-07: 1 attempts since 2026-03-01T12:00:00Z, answered 422",
        "PENDING room c:OPENED HIGH dev-07: 0 attempts since 2026-03-01T12:00:00Z, no failure so far"]


def test_command_without_channels_names_the_missing_option() -> None:
    with pytest.raises(notify.NotifyError, match="name a file with --channels"):
        notify.run(argparse.Namespace(channels=None, status=False, retry_parked=False))


def test_unusable_address_of_the_dashboard_is_refused_before_anything_is_sent(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "channels.toml"
    file.write_text('[[channel]]\nname = "sms"\ntype = "sns"\ntopic_arn = "arn:aws:sns:us-east-1:123456789012:fire"\n')
    monkeypatch.setenv("FIRE_DASHBOARD_URL", "fire.example.org")
    with pytest.raises(notify.NotifyError, match=r"FIRE_DASHBOARD_URL is 'fire.example.org'; use an address like https://"):
        notify.run(argparse.Namespace(channels=str(file), status=False, retry_parked=False))


def eventually(is_so: Callable[[], bool]) -> bool:
    """True once it is so; fails if that never comes."""
    return bool(until(is_so, "what this test waits for"))


@dataclass
class Command:
    """A running `./fire notify` and the lines it printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def says(self, text: str) -> bool:
        return bool(until(lambda: any(text in line for line in self.lines), lambda: f"{text!r} among {self.lines}", pause=0.05))

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(DEADLINE_SECONDS)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)


@pytest.fixture
def start(tmp_path: Path, brokers: str, server: Server, database: dict[str, Any], receiver: Receiver
          ) -> Iterator[Callable[[], Command]]:
    """Returns a function that starts the command on a topic of its own, with the receiver as its channel."""
    file = tmp_path / "channels.toml"
    file.write_text(f'[[channel]]\nname = "room"\ntype = "webhook"\nurl = "{receiver.url}"\nallow_private = true\n'
                    'secret_env = "ROOM_KEY"\n')
    registry = tmp_path / "registry.json"
    registry.write_text('{"sites": {"site-1": {"name": "Plant A", "time_zone": "Asia/Seoul"}}}')
    create_topics(brokers, f"{tmp_path.name}.", "alerts")
    environment = {"PATH": os.environ["PATH"], "ROOM_KEY": KEY, "PGPASSFILE": str(server.passwords),
                   "FIRE_KAFKA_BROKERS": brokers, "FIRE_TOPIC_PREFIX": f"{tmp_path.name}.", "FIRE_CONSUMER_GROUP": tmp_path.name,
                   "FIRE_REGISTRY": str(registry), "FIRE_DASHBOARD_URL": "https://fire.example.org",
                   "FIRE_POSTGRES_PORT": str(database["port"]), "FIRE_POSTGRES_DATABASE": database["dbname"]}
    started: list[Command] = []

    def run(*arguments: str) -> Command:
        command = [sys.executable, "-u", "-m", "commands.cli", "notify", *(arguments or ("--channels", str(file)))]
        started.append(Command(subprocess.Popen(command, cwd=installation.ROOT, env=environment, text=True,
                                                stdout=subprocess.PIPE,
                                                stderr=subprocess.STDOUT)))
        return started[-1]

    yield run
    for each in started:
        each.process.kill()
        each.process.wait(DEADLINE_SECONDS)


def produce(brokers: str, topic: str, *alerts: dict[str, Any]) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=brokers)
    for each in alerts:
        producer.send(topic, json.dumps(each).encode(), key=each["subject"].encode()).get(DEADLINE_SECONDS)
    producer.close()


def test_command_delivers_across_restarts_and_outages_without_loss_or_repetition(
        start: Callable[..., Command], brokers: str, tmp_path: Path, server: Server, receiver: Receiver) -> None:
    topic = f"{tmp_path.name}.alerts"
    produce(brokers, topic, alert(alert_id="before-the-first-start"))
    first = start()
    assert first.says(f"reading {topic}"), first.lines
    receiver.answers.append(HANG)
    produce(brokers, topic, alert(alert_id="a"))
    assert eventually(lambda: len(receiver.calls) == 1), first.lines
    first.process.terminate()
    assert first.says("stopping; finishing the attempts"), first.lines
    receiver.ended.set()
    assert first.process.wait(DEADLINE_SECONDS) == 0 and first.says("a:OPENED HIGH, attempt 1: "), first.lines

    produce(brokers, topic, alert("ESCALATED", alert_id="a", level="CRITICAL"))
    server.stop()
    try:
        second = start()
        assert second.says("Postgres is unreachable; waiting for it"), second.lines
    finally:
        server.start()
    assert eventually(lambda: receiver.keys[-1] == "a:ESCALATED:CRITICAL"), second.lines
    assert second.says("a:ESCALATED:CRITICAL CRITICAL, attempt 1: delivered"), second.lines
    said = json.loads(receiver.calls[-1].body)
    assert (said["link"], said["facts"]["Site"]) == ("https://fire.example.org/alerts/a", "Plant A (site-1)")
    assert said["facts"]["Time"] == "2025-10-09 18:00:00 UTC+09:00"
    assert second.end(signal.SIGINT) == 0 and KEY not in str(first.lines + second.lines)
    assert "before-the-first-start:OPENED" not in receiver.keys and len(receiver.calls) == len(set(receiver.keys)) + 1

    status = start("--status")
    assert status.process.wait(DEADLINE_SECONDS) == 0
    assert status.says("room: 0 pending, 0 parked, 2 delivered, 1 of them after more than one attempt"), status.lines


def test_example_consumer_handles_each_transition_once(brokers: str) -> None:
    create_topics(brokers, "", "alerts")
    create_topics(brokers, "", "alerts")
    reminders = [alert("REMINDED", event_time=f"2026-03-01T12:{minute}:00.000Z") for minute in (15, 30)]
    produce(brokers, "alerts", alert(), alert(), *reminders, *reminders, alert("CLEARED"))
    example = Command(subprocess.Popen([sys.executable, "-u", str(installation.ROOT / "examples/alert_consumer.py"), brokers],
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    try:
        assert example.says("CLEARED HIGH TEMPERATURE_CRITICAL dev-07"), example.lines
        assert [line.split()[0] for line in example.lines] == ["OPENED", "REMINDED", "REMINDED", "CLEARED"]
    finally:
        example.process.kill()
        example.process.wait(DEADLINE_SECONDS)
