"""The Kafka topics: who writes them, how they are keyed, and how long they keep what they hold."""

from __future__ import annotations

from dataclasses import dataclass

from contract.model import CONTRACT

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic; `key` is the JSON field that partitions it, `meaning` its line in the reference."""

    name: str
    key: str
    partitions: int
    retention_days: int
    meaning: str


TOPICS = tuple(Topic(each.topic, each.partition_by, each.partitions, each.topic_days, each.grain)
               for each in (CONTRACT.telemetry, *CONTRACT.results))
