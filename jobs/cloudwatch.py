"""Metrics publisher: the topic `readings` → Amazon CloudWatch, once a minute.

Best effort, as metrics are: what was read counts as read once it is published, so a crash in between counts some readings
twice, and an end while CloudWatch is away leaves a minute out and says so. Alerts never depend on it.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3  # type: ignore[import-untyped,unused-ignore]
import orjson
from botocore.config import Config  # type: ignore[import-untyped,unused-ignore]
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError  # type: ignore[import-untyped,unused-ignore]
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from contract import consumers
from jobs import kafka_security
from jobs.backoff import delay
from jobs.device_metrics import NAMESPACE, Summary
from jobs.errors import FireError
from jobs.interruption import interruptible, uninterrupted
from jobs.settings import Settings

PUBLISH_SECONDS = 60.0
POLL_MS = 500
BATCH = 500
"""Metrics a request: CloudWatch takes 1,000, or 1 MB."""
LONGEST_PAUSE = 30.0
RETRIED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "InternalServiceFault", "InternalFailure",
           "ServiceUnavailable", "RequestTimeout", "LimitExceeded"}
Report = Callable[[str], None]


class MetricsError(FireError):
    """Metrics cannot be published; the text says why and the remedy."""


@dataclass(frozen=True)
class Publisher:
    """Sends metrics to CloudWatch; `pause` waits that many seconds and says whether the program is to end."""

    client: Any
    pause: Callable[[float], bool]
    report: Report

    def publish(self, data: Sequence[dict[str, Any]]) -> int:
        """Sends everything in batches, each as often as it takes; returns how many metrics were accepted.

        Raises:
            MetricsError: CloudWatch refuses this sender.
        """
        return sum(len(batch) for batch in _batches(data) if self._sent(batch))

    def _sent(self, batch: Sequence[dict[str, Any]]) -> bool:
        attempts = 0
        while True:
            try:
                self.client.put_metric_data(Namespace=NAMESPACE, MetricData=batch)
                return True
            except (BotoCoreError, ClientError) as problem:
                attempts += 1
                if not _may_heal(problem):
                    self.report(f"CloudWatch refused {len(batch)} metrics, which are left out: {problem}")
                    return False
                if attempts == 1:
                    self.report(f"CloudWatch does not take metrics now; trying again ({problem})")
                if self.pause(min(delay(attempts).total_seconds(), LONGEST_PAUSE)):
                    self.report(f"ending; {len(batch)} metrics could not be published")
                    return False


def _may_heal(problem: Exception) -> bool:
    """Whether another attempt may succeed; one that never can is an error with a remedy.

    Raises:
        MetricsError: no credentials, or no permission.
    """
    if isinstance(problem, NoCredentialsError):
        raise MetricsError("no AWS credentials are found; give this process a role, or set AWS_PROFILE") from problem
    if not isinstance(problem, ClientError):
        return True
    code, status = problem.response["Error"]["Code"], problem.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in ("AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId"):
        raise MetricsError(f"CloudWatch refuses this sender ({code}); allow cloudwatch:PutMetricData for the namespace "
                           f"{NAMESPACE}") from problem
    return code in RETRIED or status >= 500


def _batches(data: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    return (data[start:start + BATCH] for start in range(0, len(data), BATCH))


class Relay:
    """Takes records in and publishes them when it is time; `now` is the wall clock, for CloudWatch's bounds only."""

    def __init__(self, summary: Summary, publisher: Publisher, now: Callable[[], datetime]) -> None:
        self.summary, self.publisher, self._now = summary, publisher, now

    def take(self, values: Iterable[bytes | None]) -> None:
        """Adds rows of the topic `readings`; what is none is said and passed over."""
        for value in values:
            try:
                self.summary.add(orjson.loads(value or b""))
            except (KeyError, TypeError, ValueError, OverflowError) as problem:
                self.publisher.report(f"a record is no reading and is left out of the metrics: {problem!r}")

    def publish(self) -> None:
        """Sends what has come together."""
        readings = self.summary.readings
        data, refused = self.summary.take(self._now())
        if refused:
            self.publisher.report(f"{refused} metrics are left out: CloudWatch takes no times older than 14 days or 2 h ahead")
        if data:
            accepted = self.publisher.publish(data)
            self.publisher.report(f"published {accepted} metrics of {readings} readings")


def run(args: argparse.Namespace) -> int:
    """Publishes until SIGTERM or Ctrl-C; what has come together is published before the end."""
    settings = Settings.load()
    stop = threading.Event()
    publisher = Publisher(client(), stop.wait, lambda line: print(line, flush=True))
    relay = Relay(Summary(settings.environment, watch_list(settings)), publisher, lambda: datetime.now(UTC))
    try:
        _consume(consumer(settings), relay, stop)
    except KafkaError as problem:
        raise MetricsError(f"the metrics publisher had to end: {problem}") from problem
    return 0


def client() -> Any:
    """CloudWatch, as the AWS SDK finds it: region, credentials and endpoint; its own retries come before ours."""
    try:
        return boto3.session.Session().client("cloudwatch", config=Config(
            connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}))
    except BotoCoreError as problem:
        raise MetricsError(f"CloudWatch cannot be addressed: {problem}; set AWS_DEFAULT_REGION") from problem


def watch_list(settings: Settings) -> frozenset[str]:
    """The devices with metrics of their own."""
    return frozenset(name.strip() for name in settings.watch_list.split(",") if name.strip())


def consumer(settings: Settings) -> KafkaConsumer:
    """A consumer of the topic `readings`; one that never ran here begins with the readings from now on.

    Raises:
        MetricsError: there is no broker or no topic.
    """
    topic = settings.topic("readings")
    try:
        made = KafkaConsumer(
            topic, bootstrap_servers=settings.kafka_brokers.split(","), client_id="fire-cloudwatch",
            group_id=consumers.group_id("cloudwatch", settings.consumer_group), isolation_level="read_committed",
            enable_auto_commit=False, auto_offset_reset="latest", **kafka_security.client(settings))
        partitions = made.partitions_for_topic(topic)
    except KafkaError as problem:
        raise MetricsError(f"no Kafka broker answers at {settings.kafka_brokers} ({problem}); start one with ./fire up, or set "
                           "FIRE_KAFKA_BROKERS") from problem
    if not partitions:
        made.close()
        raise MetricsError(f"Kafka at {settings.kafka_brokers} has no topic {topic!r}; ./fire up creates the topics")
    return made


def _consume(source: KafkaConsumer, relay: Relay, stop: threading.Event) -> None:
    try:
        with interruptible():
            due, begun = time.monotonic() + PUBLISH_SECONDS, False
            while True:
                begun = begun or _has_begun(source, relay.publisher.report)
                batches = source.poll(timeout_ms=POLL_MS, max_records=5000).values()
                relay.take(record.value for batch in batches for record in batch)
                if time.monotonic() >= due:
                    _settle(source, relay)
                    due = time.monotonic() + PUBLISH_SECONDS
    except KeyboardInterrupt:
        stop.set()
        relay.publisher.report("ending; publishing what has come together")
        with uninterrupted():
            _settle(source, relay)
    finally:
        source.close(autocommit=False)


def _has_begun(source: KafkaConsumer, report: Report) -> bool:
    """Whether partitions are assigned; then says where reading begins, which fixes "from now on" for a first start."""
    places = [f"{each.topic}[{each.partition}]@{source.position(each)}" for each in sorted(source.assignment())]
    if places:
        report(f"publishing the metrics of {', '.join(places)} once a minute")
    return bool(places)


def _settle(source: KafkaConsumer, relay: Relay) -> None:
    relay.publish()
    try:
        source.commit()
    except KafkaError as problem:  # a rebalance or a broker that is away
        relay.publisher.report(f"Kafka did not note what was read, so it may be counted again ({problem})")
