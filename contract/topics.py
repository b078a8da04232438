"""The Kafka topics with their keys, partitions and retention."""

from __future__ import annotations

from dataclasses import dataclass

from contract.declared import CONTRACT
from contract.model import Contract, Result

DAY_MS = 86_400_000
LARGEST_BATCH = 1_048_588
"""Bytes of the largest batch of records that a topic accepts (`max.message.bytes`), which is Kafka's default."""
LARGEST_RECORD = 1_000_000
"""Bytes of the largest record that a job sends (`max.request.size`), with room for a batch that compression enlarges."""


@dataclass(frozen=True)
class Topic:
    """One topic; `key` is the JSON field that partitions it, `meaning` describes its records."""

    name: str
    key: str
    partitions: int
    retention_days: int
    meaning: str


def topics(contract: Contract) -> tuple[Topic, ...]:
    """Returns the topics of a contract: the devices' messages, then the results by name."""
    return tuple(_topic(result) for result in (contract.telemetry, *contract.results))


def _topic(result: Result) -> Topic:
    return Topic(result.topic, result.partition_by, result.partitions, result.topic_days, result.grain)


TOPICS = topics(CONTRACT)
