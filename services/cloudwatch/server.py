"""Publishes the topic `readings` to Amazon CloudWatch as metrics, once a minute.

Delivery is best effort: offsets are committed after publishing, so a crash in between counts some readings twice; stopping
while CloudWatch is unreachable loses up to a minute of metrics, which the log reports. Alerts never depend on this publisher.
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
from contract.cloudwatch import NAMESPACE
from core import kafka_login
from core.errors import FireError
from core.interruption import interruptible, uninterrupted
from core.logs import Report
from core.retries import delay
from core.settings import Settings
from services.cloudwatch.statistics import Summary

PUBLISH_SECONDS = 60.0
POLL_MS = 500
BATCH = 500
"""Metrics per request; CloudWatch accepts at most 1,000, or 1 MB."""
LONGEST_PAUSE = 30.0
RETRIED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "InternalServiceFault", "InternalFailure",
           "ServiceUnavailable", "RequestTimeout", "LimitExceeded"}


class MetricsError(FireError):
    """Metrics cannot be published; the message states the cause and the remedy."""


@dataclass(frozen=True)
class Publisher:
    """Sends metrics to CloudWatch; `pause` waits for the given seconds and returns True if the program must stop."""

    client: Any
    pause: Callable[[float], bool]
    report: Report

    def publish(self, data: Sequence[dict[str, Any]]) -> int:
        """Sends all metrics in batches, retrying each as often as necessary; returns how many were accepted.

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
                if not _is_temporary(problem):
                    self.report(f"CloudWatch refused {len(batch)} metrics, which are left out: {problem}")
                    return False
                if attempts == 1:
                    self.report(f"CloudWatch does not accept metrics at the moment; trying again ({problem})")
                if self.pause(min(delay(attempts).total_seconds(), LONGEST_PAUSE)):
                    self.report(f"stopping; {len(batch)} metrics could not be published")
                    return False


def _is_temporary(problem: Exception) -> bool:
    """Returns whether another attempt may succeed.

    Raises:
        MetricsError: the sender has no credentials or no permission, so that no attempt can succeed.
    """
    if isinstance(problem, NoCredentialsError):
        raise MetricsError("no AWS credentials were found; give this process a role, or set AWS_PROFILE") from problem
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
    """Collects readings and publishes their statistics; `now` is the wall clock, used only for CloudWatch's time limits."""

    def __init__(self, summary: Summary, publisher: Publisher, now: Callable[[], datetime]) -> None:
        self.summary, self.publisher, self._now = summary, publisher, now

    def take(self, values: Iterable[bytes | None]) -> None:
        """Adds records of the topic `readings`; reports and skips those that are not readings."""
        for value in values:
            try:
                self.summary.add(orjson.loads(value or b""))
            except (KeyError, TypeError, ValueError, OverflowError) as problem:
                self.publisher.report(f"a record is not a reading and is left out of the metrics: {problem!r}")

    def publish(self) -> None:
        """Publishes the statistics collected since the last call."""
        readings = self.summary.readings
        data, refused = self.summary.take(self._now())
        if refused:
            self.publisher.report(f"{refused} metrics are left out: CloudWatch accepts times up to 14 days old and 2 h ahead")
        if data:
            accepted = self.publisher.publish(data)
            self.publisher.report(f"published {accepted} metrics of {readings} readings")


def run(args: argparse.Namespace) -> int:
    """Publishes until SIGTERM or Ctrl-C, and publishes what has been collected before it stops."""
    settings = Settings.load()
    stop = threading.Event()
    publisher = Publisher(client(), stop.wait, lambda line: print(line, flush=True))
    relay = Relay(Summary(settings.environment, watch_list(settings)), publisher, lambda: datetime.now(UTC))
    try:
        _consume(consumer(settings), relay, stop)
    except KafkaError as problem:
        raise MetricsError(f"the metrics publisher had to stop: {problem}") from problem
    return 0


def client() -> Any:
    """Returns a CloudWatch client with the AWS SDK's region, credentials and endpoint; the SDK retries before `Publisher` does.

    Raises:
        MetricsError: the SDK finds no region.
    """
    try:
        return boto3.session.Session().client("cloudwatch", config=Config(
            connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}))
    except BotoCoreError as problem:
        raise MetricsError(f"no CloudWatch client can be created: {problem}; set AWS_DEFAULT_REGION") from problem


def watch_list(settings: Settings) -> frozenset[str]:
    """Returns the ids of the devices that have metrics of their own."""
    return frozenset(name.strip() for name in settings.watch_list.split(",") if name.strip())


def consumer(settings: Settings) -> KafkaConsumer:
    """Returns a consumer of the topic `readings`; on its first run it starts at the end of the topic.

    Raises:
        MetricsError: no broker answers, or the topic does not exist.
    """
    topic = settings.topic("readings")
    try:
        made = KafkaConsumer(
            topic, bootstrap_servers=settings.kafka_brokers.split(","), client_id="fire-cloudwatch",
            group_id=consumers.group_id("cloudwatch", settings.consumer_group), isolation_level="read_committed",
            enable_auto_commit=False, auto_offset_reset="latest", **kafka_login.client(settings))
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
            due, has_begun = time.monotonic() + PUBLISH_SECONDS, False
            while True:
                has_begun = has_begun or _has_begun(source, relay.publisher.report)
                batches = source.poll(timeout_ms=POLL_MS, max_records=5000).values()
                relay.take(record.value for batch in batches for record in batch)
                if time.monotonic() >= due:
                    _settle(source, relay)
                    due = time.monotonic() + PUBLISH_SECONDS
    except KeyboardInterrupt:
        stop.set()
        relay.publisher.report("stopping; publishing the readings collected so far")
        with uninterrupted():
            _settle(source, relay)
    finally:
        source.close(autocommit=False)


def _has_begun(source: KafkaConsumer, report: Report) -> bool:
    """Returns whether partitions are assigned and reports the offsets where reading begins.

    Asking for the position fixes it: a first run begins at the end that the topic has now.
    """
    positions = [f"{each.topic}[{each.partition}]@{source.position(each)}" for each in sorted(source.assignment())]
    if positions:
        report(f"publishing the metrics of {', '.join(positions)} once a minute")
    return bool(positions)


def _settle(source: KafkaConsumer, relay: Relay) -> None:
    relay.publish()
    try:
        source.commit()
    except KafkaError as problem:  # a rebalance, or an unreachable broker
        relay.publisher.report(f"Kafka did not commit the offsets, so these readings may be counted twice ({problem})")
