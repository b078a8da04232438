"""How tables of Kafka log in to the brokers."""

from __future__ import annotations

from core.kafka_login import options
from core.settings import Settings
from jobs.flink.literals import text


def lines(settings: Settings) -> str:
    """The options as lines of a table's WITH, each with its comma; empty for plaintext."""
    return "\n".join(f"  'properties.{name}' = '{text(value)}'," for name, value in options(settings).items()).strip()
