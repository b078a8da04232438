"""`./fire rewind`: sets the consumer groups of a stopped job back to a time, from which it reads after its submission.

Serves a restored database and an upgrade by replay. Repeated output is recognised by its key: rows are upserted, and a
repeated transition of an alert has the same `alert_id`, `transition`, `level` and `event_time`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from commands.cluster.submit import target
from contract import consumers
from contract.topics import TOPICS
from core import flink_rest, kafka_login
from core.errors import FireError
from core.settings import Settings

ENDED = ("FINISHED", "CANCELED", "FAILED")
NAMES = tuple(topic.name for topic in TOPICS)


class RewindError(FireError):
    """A job could not be rewound; the text gives the reason and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Sets the groups of `args.job` back to `args.to` and prints the offset from which each partition will be read."""
    settings, addresses = target(args.jobmanager)
    address = addresses[args.job]
    jobs = (flink_rest.get(address, "/jobs/overview") or {"jobs": []})["jobs"]
    if any(job["name"] == f"fire-{args.job}" and job["state"] not in ENDED for job in jobs):
        raise RewindError(f"{args.job} runs at {address} and would overwrite its offsets; stop it with ./fire stop {args.job}")
    for group, offsets in rewind(settings, args.job, args.to).items():
        for partition, offset in sorted(offsets.items()):
            print(f"{group} reads {partition.topic}[{partition.partition}] from {offset}")
    return 0


def rewind(settings: Settings, job: str, to: datetime) -> dict[str, dict[TopicPartition, int]]:
    """Commits for each group of the job the offset of the first record that arrived at or after `to`, or else the end.

    Returns:
        The committed offset by consumer group and partition.

    Raises:
        RewindError: no broker answers, or the broker refuses.
    """
    connection = {"bootstrap_servers": settings.kafka_brokers.split(","), **kafka_login.client(settings)}
    try:
        consumer, admin = KafkaConsumer(**connection), KafkaAdminClient(**connection)
        try:
            committed = {reader.group_id(settings.consumer_group): _offsets(consumer, _topics(settings, reader), to)
                         for reader in consumers.of_program(job)}
            for group, offsets in committed.items():
                admin.alter_group_offsets(group, _committable(offsets))
            return committed
        finally:
            consumer.close()
            admin.close()
    except KafkaError as problem:
        raise RewindError(f"Kafka at {settings.kafka_brokers} did not rewind {job}: {problem}; check FIRE_KAFKA_BROKERS and the "
                          "security settings") from problem


def _topics(settings: Settings, reader: consumers.Reader) -> list[str]:
    return [settings.topic(topic) for topic in reader.read(NAMES)]


def _offsets(consumer: KafkaConsumer, topics: list[str], to: datetime) -> dict[TopicPartition, int]:
    partitions = [TopicPartition(topic, number) for topic in topics
                  for number in sorted(consumer.partitions_for_topic(topic) or ())]
    ends = consumer.end_offsets(partitions)
    times = consumer.offsets_for_times(dict.fromkeys(partitions, round(to.timestamp() * 1000)))
    return {partition: times[partition].offset if times.get(partition) else ends[partition] for partition in partitions}


def _committable(offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    return {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()}
