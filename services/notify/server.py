"""`./fire notify`: delivers the transitions of alerts to the channels of a file at least once, and logs every failure.

Records of the alert topic go to an outbox in Postgres, one row per transition and channel; offsets are committed only after
the rows. One thread per channel delivers them: critical ones first, and the transitions of one alert in order.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from contract import consumers
from core import embedded_stack, installation, kafka_login
from core.database import conninfo
from core.errors import FireError
from core.interruption import interruptible, uninterrupted
from core.logs import Report, reporter
from core.settings import Settings
from services.notify.channels import Channel, load
from services.notify.notification import UnusableTransitionError, one_line, read_transition
from services.notify.outbox import SHOWN, Outbox, Refusal, Unreachable, connector
from services.notify.reconnect import Retry
from services.notify.worker import Deliverer, Worker
from udfs.registry import source

POLL_MS = 500
BATCH = 500
CLOSE_MS = 5000
EXPIRE_SECONDS = 3600.0


class NotifyError(FireError):
    """The notifier cannot work; the message states the cause and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Delivers until SIGTERM or Ctrl-C; with `--retry-parked` or `--status`, does only that.

    Raises:
        NotifyError: no channels are named, the outbox is missing, or Kafka or Postgres cannot be used.
        ChannelFileError: the channel file cannot be used.
    """
    settings, database = _addresses(Settings.load())
    report = reporter("notify", settings)
    outbox = Outbox(connector(database))
    try:
        if args.retry_parked or args.status:
            return _administer(outbox, args, print)
        if args.channels is None:
            raise NotifyError("the notifier needs channels; name a file with --channels "
                              "(infra/notify/channels.example.toml shows what it may contain)")
        channels = load(Path(args.channels))
        _check_dashboard(settings.dashboard_url)
        return serve(settings, database, channels, report)
    except psycopg.errors.UndefinedTable as problem:
        raise NotifyError("the database has no outbox yet; apply the migrations: python -m infra.postgres.migrate") from problem
    except (KafkaError, psycopg.Error) as problem:
        raise NotifyError(f"the notifier had to stop; undelivered notifications are kept: {one_line(problem)}") from problem
    finally:
        outbox.close()


def serve(settings: Settings, database: dict[str, Any], channels: Sequence[Channel], report: Report) -> int:
    """Reads and delivers until SIGTERM or Ctrl-C, and finishes the attempts under way."""
    stop = threading.Event()
    registry, dashboard = source.shared(source.resolved(settings.registry)), settings.dashboard_url
    outbox = Outbox(connector(database), registry.current)
    workers = [Worker(Deliverer(channel, Outbox(connector(database), dashboard=dashboard), now, report), stop, report)
               for channel in channels]
    try:
        with interruptible():
            retry = Retry(stop.wait, report)
            _greet(retry.until_done(outbox.status), channels, report)
            for worker in workers:
                worker.start()
            _consume(settings, Intake(outbox, channels, retry), workers, report)
    except KeyboardInterrupt:
        report("stopping; finishing the attempts under way")
    finally:
        with uninterrupted():
            _end(workers, stop)
            outbox.close()
    return 0


def _end(workers: Sequence[Worker], stop: threading.Event) -> None:
    stop.set()
    for worker in workers:
        worker.wake()
    for worker in workers:
        if worker.ident is not None:
            worker.join()


class Intake:
    """Moves records of the alert topic to the outbox."""

    def __init__(self, outbox: Outbox, channels: Sequence[Channel], retry: Retry) -> None:
        self.outbox, self.channels, self.retry = outbox, channels, retry

    def take(self, records: Iterable[Any]) -> list[Refusal]:
        """Writes one batch, waiting for Postgres as long as necessary; returns a refusal for each unusable record."""
        alerts, refusals = [], []
        for record in records:
            try:
                alerts.append(read_transition(record.value))
            except UnusableTransitionError as problem:
                source = f"notify:{record.topic}[{record.partition}]@{record.offset}"
                refusals.append(Refusal(source, record.topic, str(problem)))
        self.retry.until_done(lambda: self.outbox.add(alerts, refusals, self.channels, now()))
        return refusals


def now() -> datetime:
    """Returns the current time in UTC."""
    return datetime.now(UTC)


def _consume(settings: Settings, intake: Intake, workers: Sequence[Worker], report: Report) -> None:
    topic = settings.topic("alerts")
    consumer = _consumer(settings, topic)
    expire_at = time.monotonic()
    try:
        _skip_old_alerts(consumer, topic)
        consumer.subscribe([topic])
        report(f"reading {topic} at {settings.kafka_brokers}")
        while True:
            _round(consumer, intake, workers, report)
            if time.monotonic() >= expire_at:
                _expire(intake.outbox, settings.results_retention_days, report)
                expire_at = time.monotonic() + EXPIRE_SECONDS
    finally:
        consumer.close(autocommit=False, timeout_ms=CLOSE_MS)


def _round(consumer: KafkaConsumer, intake: Intake, workers: Sequence[Worker], report: Report) -> None:
    """Polls once: writes the rows, then commits the offsets, then wakes the workers."""
    records = [record for batch in consumer.poll(timeout_ms=POLL_MS, max_records=BATCH).values() for record in batch]
    if records:
        for refusal in intake.take(records):
            report(f"{refusal.source} cannot be delivered: {refusal.reason}")
        _commit(consumer, report)
    for worker in workers:
        if worker.problem is not None:
            raise worker.problem
        if records:
            worker.wake()


def _expire(outbox: Outbox, days: int, report: Report) -> None:
    try:
        outbox.expire(days)
    except Unreachable as problem:
        report(f"old deliveries were not deleted this time ({one_line(problem)})")


def _commit(consumer: KafkaConsumer, report: Report) -> None:
    try:
        consumer.commit()
    except KafkaError as problem:  # a rebalance, or an unreachable broker; the outbox recognises what is read again
        report(f"Kafka did not commit the offsets; records that are read again count once ({one_line(problem)})")


def _consumer(settings: Settings, topic: str) -> KafkaConsumer:
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=settings.kafka_brokers.split(","), client_id="fire-notify",
            group_id=consumers.group_id("notify", settings.consumer_group), isolation_level="read_committed",
            enable_auto_commit=False, auto_offset_reset="earliest", max_poll_records=BATCH, **kafka_login.client(settings))
        partitions = consumer.partitions_for_topic(topic)
    except KafkaError as problem:
        raise NotifyError(f"no Kafka broker answers at {settings.kafka_brokers} ({problem}); start one with ./fire up, or set "
                          "FIRE_KAFKA_BROKERS") from problem
    if not partitions:
        consumer.close()
        raise NotifyError(f"Kafka at {settings.kafka_brokers} has no topic {topic!r}; ./fire up creates the topics")
    return consumer


def _skip_old_alerts(consumer: KafkaConsumer, topic: str) -> None:
    """Commits the end of the topic on the first run, because notifications of all old alerts would flood the channels."""
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    if all(consumer.committed(partition) is None for partition in partitions):
        ends = consumer.end_offsets(partitions)
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in ends.items()})


def _greet(rows: Sequence[dict[str, Any]], channels: Sequence[Channel], report: Report) -> None:
    names = {channel.name for channel in channels}
    report(f"delivering to {', '.join(sorted(names))}")
    for row in rows:
        if row["channel"] not in names and row["pending"]:
            report(f"{row['pending']} deliveries are pending for channel {row['channel']!r}, which is not in the file; add it")


def _administer(outbox: Outbox, args: argparse.Namespace, report: Report) -> int:
    try:
        if args.retry_parked:
            revived, overtaken = outbox.retry_parked(now())
            report(f"{revived} parked deliveries are due again; {overtaken} stay parked, their alerts have later transitions")
        if args.status:
            show(outbox, report)
    except Unreachable as problem:
        raise NotifyError(f"Postgres cannot be reached: {str(problem).strip()}") from problem
    return 0


def show(outbox: Outbox, report: Report) -> None:
    """Reports the state of the outbox, one line per channel, then the deliveries that have not succeeded."""
    rows, backlog = outbox.status(), outbox.backlog()
    for row in rows:
        report("{channel}: {pending} pending, {parked} parked, {delivered} delivered, {repeated} of them after more than one "
               "attempt".format(**row))
    for row in backlog:
        report("{state} {channel} {idempotency_key} {level} {subject}: {attempts} attempts since {created_at:%Y-%m-%dT%H:%M:%SZ}"
               ", {last_error}".format(**row | {"last_error": row["last_error"] or "no failure so far"}))
    if not rows or len(backlog) == SHOWN:
        report("the outbox is empty" if not rows else f"only the first {SHOWN} undelivered notifications are shown")


def _check_dashboard(url: str) -> None:
    """Checks the address of links, because a service may refuse a notification with an unusable one."""
    if url and not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise NotifyError(f"FIRE_DASHBOARD_URL is {url!r}; use an address like https://fire.example.org")


def _addresses(settings: Settings) -> tuple[Settings, dict[str, Any]]:
    """Returns the settings and the database: those of the embedded stack unless the settings name others."""
    local = embedded_stack.configured(installation.home_folder(settings), settings)
    return (local.settings(), local.database()) if local else (settings, conninfo(settings))


if __name__ == "__main__":
    sys.exit("start it with ./fire notify")
