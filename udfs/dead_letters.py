"""What a dead letter keeps of a refused message: so little that it can always be written, and what identifies the rest."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from udfs.shown import shortened

SCHEMA_VERSION = 1
LONGEST_MESSAGE = 65_536
"""Bytes of a refused message that are kept; base64 makes 87,384 characters of them, a twelfth of what a topic takes."""
LONGEST_REASON = 500
"""Characters of a reason."""


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
    """Writes the dead letter of a message in the shape of its topic; `source` is where the message lies."""
    kept = keep(message)
    encoded = None if kept.message is None else base64.b64encode(kept.message).decode("ascii")
    return {
        "schema_version": SCHEMA_VERSION, "source": source, "record_time": record_time, "reason": reason(sentence),
        "message": encoded, "size_bytes": kept.size_bytes, "sha256": kept.sha256, "is_cut": kept.is_cut,
    }  # fmt: skip
