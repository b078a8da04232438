"""`./fire rewind`: sets a stopped job's consumer groups back to a time, so that it reads again from there when it is submitted.

For a restored database and for an upgrade by replay. What is written twice thereby is known by its key: rows are upserted,
and a transition of an alert that comes again has the same `alert_id`, `transition`, `level` and `event_time`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from contract import consumers
from infra.local import flink
from jobs import kafka_security
from jobs.errors import FireError
from jobs.settings import Settings
from jobs.submit import target
from jobs.topics import TOPICS

ENDED = ("FINISHED", "CANCELED", "FAILED")
NAMES = tuple(topic.name for topic in TOPICS)


class RewindError(FireError):
    """Nothing was set back; the text says why and what to do."""


def run(args: argparse.Namespace) -> int:
    """Sets the groups of `args.job` back to `args.to`, and says from where each topic will be read."""
    settings, addresses = target(args.jobmanager)
    address = addresses[args.job]
    jobs = (flink.get(address, "/jobs/overview") or {"jobs": []})["jobs"]
    if any(job["name"] == f"fire-{args.job}" and job["state"] not in ENDED for job in jobs):
        raise RewindError(f"{args.job} runs at {address} and would overwrite its offsets; ./fire stop {args.job} ends it")
    for group, offsets in rewind(settings, args.job, args.to).items():
        for partition, offset in sorted(offsets.items()):
            print(f"{group} reads {partition.topic}[{partition.partition}] from {offset}")
    return 0


def rewind(settings: Settings, job: str, to: datetime) -> dict[str, dict[TopicPartition, int]]:
    """Commits for each group of the job the first record that the broker got at or after `to`; the end where there is none.

    Raises:
        RewindError: no broker answers, or it refuses.
    """
    given = {"bootstrap_servers": settings.kafka_brokers.split(","), **kafka_security.client(settings)}
    try:
        consumer, admin = KafkaConsumer(**given), KafkaAdminClient(**given)
        try:
            found = {reader.group_id(settings.consumer_group): _offsets(consumer, _topics(settings, reader), to)
                     for reader in consumers.of_program(job)}
            for group, offsets in found.items():
                admin.alter_group_offsets(group, _committable(offsets))
            return found
        finally:
            consumer.close()
            admin.close()
    except KafkaError as problem:
        raise RewindError(f"Kafka at {settings.kafka_brokers} did not set {job} back: {problem}") from problem


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
