"""Dead letters: the beginning of a refused message, and the size and digest that identify the whole.

They are bounded so that a topic always accepts them.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from contract.declared import CONTRACT
from contract.model import SCHEMA_VERSION
from udfs.shown import shortened

LONGEST_MESSAGE = 65_536
"""Bytes of a refused message that are kept; base64 makes 87,384 characters of them, a twelfth of a topic's largest record."""
LONGEST_REASON = CONTRACT.result("dead_letters").column("reason").longest or 0
"""Characters of a reason that are kept."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a refused message: its first bytes, and the size and SHA-256 of the whole."""

    message: bytes | None
    size_bytes: int
    sha256: str | None
    is_cut: bool


def keep(message: bytes | None) -> Kept:
    """Cuts a refused message to `LONGEST_MESSAGE` bytes; None is a record without a value."""
    if message is None:
        return Kept(None, 0, None, is_cut=False)
    return Kept(message[:LONGEST_MESSAGE], len(message), hashlib.sha256(message).hexdigest(),
                is_cut=len(message) > LONGEST_MESSAGE)


def reason(sentence: str) -> str:
    """Cuts a reason to `LONGEST_REASON` characters."""
    return shortened(sentence, LONGEST_REASON)


def document(message: bytes | None, sentence: str, source: str, record_time: str | None = None) -> dict[str, Any]:
    """Builds the dead letter of a message in the shape of its topic; `source` is the position of the message."""
    kept = keep(message)
    encoded = None if kept.message is None else base64.b64encode(kept.message).decode("ascii")
    return {
        "schema_version": SCHEMA_VERSION, "source": source, "record_time": record_time, "reason": reason(sentence),
        "message": encoded, "size_bytes": kept.size_bytes, "sha256": kept.sha256, "is_cut": kept.is_cut,
    }  # fmt: skip
