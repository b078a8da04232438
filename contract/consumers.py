"""The readers of Kafka's topics and their consumer groups, as `consumers.toml` declares them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

EVERY_RESULT = "*"
INPUTS = ("telemetry", "candidates")
"""Topics that are an input of a job; every other one holds results."""


class ConsumersError(ValueError):
    """A declaration of readers that cannot be used; the message names the table and the remedy."""


@dataclass(frozen=True)
class Reader:
    """A consumer group of one program: `group` without the configured prefix, `topics` as declared."""

    program: str
    group: str
    topics: tuple[str, ...]

    def group_id(self, prefix: str) -> str:
        """Returns the name of the group in Kafka."""
        return f"{prefix}-{self.group}"

    def read(self, topics: Iterable[str]) -> tuple[str, ...]:
        """Returns the topics that the group reads, in the order of the argument."""
        return tuple(topic for topic in topics if topic in self.topics or (EVERY_RESULT in self.topics and topic not in INPUTS))


def declared(toml: str) -> tuple[Reader, ...]:
    """Reads a declaration; returns its readers in order.

    Raises:
        ConsumersError: a group has no list of topics, or two programs share a group.
    """
    tables = tomllib.loads(toml)
    readers = tuple(_reader(program, group, topics) for program, groups in tables.items() for group, topics in groups.items())
    groups = [reader.group for reader in readers]
    twice = sorted({group for group in groups if groups.count(group) > 1})
    if twice:
        raise ConsumersError(f"consumers.toml declares the group {', '.join(twice)} twice; give each program groups of its own")
    return readers


def _reader(program: str, group: str, topics: object) -> Reader:
    if not (isinstance(topics, list) and topics and all(isinstance(topic, str) for topic in topics)):
        raise ConsumersError(f"consumers.toml: {program}.{group} must be a list of topics, not {topics!r}; write "
                             f'{group} = ["readings"]')
    return Reader(program, group, tuple(topics))


READERS = declared(resources.files("contract").joinpath("consumers.toml").read_text(encoding="utf-8"))


def of_program(program: str) -> tuple[Reader, ...]:
    """Returns the groups of a program, in the order of the declaration."""
    return tuple(reader for reader in READERS if reader.program == program)


def group_id(group: str, prefix: str) -> str:
    """Returns the name of a declared group in Kafka.

    Raises:
        ConsumersError: no program declares the group.
    """
    for reader in READERS:
        if reader.group == group:
            return reader.group_id(prefix)
    raise ConsumersError(f"no program declares the consumer group {group!r}; add it to contract/consumers.toml")
