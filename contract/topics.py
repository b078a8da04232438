"""The Kafka topics: how they are keyed, how many partitions they have, and how long they keep what they hold."""

from __future__ import annotations

from dataclasses import dataclass

from contract.model import CONTRACT, Contract, Result

DAY_MS = 86_400_000
LARGEST_BATCH = 1_048_588
"""Bytes of the largest batch of records that a topic takes (`max.message.bytes`); Kafka's own default."""
LARGEST_RECORD = 1_000_000
"""Bytes of the largest record that a job sends (`max.request.size`): compression may make a batch larger than its records."""


@dataclass(frozen=True)
class Topic:
    """One topic; `key` is the JSON field that partitions it, `meaning` what one of its records is."""

    name: str
    key: str
    partitions: int
    retention_days: int
    meaning: str


def topics(contract: Contract) -> tuple[Topic, ...]:
    """The topics of a contract: the devices' messages, then the results by name."""
    return tuple(_topic(result) for result in (contract.telemetry, *contract.results))


def _topic(result: Result) -> Topic:
    return Topic(result.topic, result.partition_by, result.partitions, result.topic_days, result.grain)


TOPICS = topics(CONTRACT)
