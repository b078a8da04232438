"""The connector options with which Kafka tables log in to the brokers."""

from __future__ import annotations

from core.kafka_login import options
from core.settings import Settings
from jobs.flink.literals import literal


def login_lines(settings: Settings) -> str:
    """Returns the options as lines of a table's WITH clause, each with a comma; empty for plaintext connections."""
    return "\n".join(f"  'properties.{name}' = '{literal(value)}'," for name, value in options(settings).items()).strip()
