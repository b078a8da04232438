"""What crosses from Python into SQL for each message of the detect job: the columns that views read, and finished messages.

Kafka and files take a reading and its candidate as whole JSON messages, which Python has made, so that no other column crosses.
Kinesis takes rows, because its raw format has no partition key; there every column crosses.
"""

from __future__ import annotations

from collections.abc import Mapping

from contract.model import SCHEMA_VERSION, Column, Contract

FROM_STREAM = ("schema_version", "event_time")
"""Columns of a reading that SQL has without Python."""
FROM_REGISTRY = ("limits", "is_held", "held_until", "rated_current")
"""Columns of a candidate that the registry gives to each reading, whose topic does not have them."""
OF_WINDOWS = ("worst_reading", "sensor_fault")
"""Columns of a candidate that windows aggregate from all readings; the candidate of a single reading does not have them."""
RENAMED = {"subject": "device_id", "level": "risk_level"}
"""Column of a candidate → the column of its reading, if their names differ."""
FIXED = {"schema_version": SCHEMA_VERSION, "kind": "CANDIDATE", "subject_kind": "DEVICE", "cause": "readings"}
"""Column of a reading's candidate → its value."""
MESSAGES = (Column("payload", "bytes"), Column("candidate", "bytes"))
"""The reading as its topic holds it, and its candidate as that topic does; null if it is none."""


def takes_messages(connector: str) -> bool:
    """Checks whether the sinks of a connector take finished messages with a key."""
    return connector != "kinesis"


def reading_columns(contract: Contract, connector: str) -> tuple[Column, ...]:
    """Returns the columns of an accepted message that cross if results are written with a connector."""
    own = [column for column in contract.result("readings").columns if column.name not in FROM_STREAM]
    added = [contract.result("candidates").column(name) for name in (*FROM_REGISTRY, *OF_WINDOWS)]
    if not takes_messages(connector):
        return (*own, *added)
    return (*(column for column in (*own, *added) if column.in_views), *MESSAGES)


def candidate_columns(contract: Contract) -> Mapping[str, str]:
    """Returns the columns of a candidate that its reading fills → the reading's columns."""
    known = {column.name for column in contract.result("readings").columns} | set(FROM_REGISTRY)
    sources = {column.name: RENAMED.get(column.name, column.name) for column in contract.result("candidates").columns
               if column.name not in FIXED}
    return {name: source for name, source in sources.items() if source in known}


def worst_columns(contract: Contract) -> Mapping[str, str]:
    """Returns the columns of a candidate that the worst reading of a window fills: scores, measurements and limits → its own."""
    kept = {column.name for column in contract.result("candidates").columns
            if column.type in ("score", "number", "whole") or column.name == "limits"} - {"risk_score", "idx"}
    return {name: source for name, source in candidate_columns(contract).items() if name in kept}
