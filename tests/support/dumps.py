"""Dumps of `kcat -J`, which keep the arrival of each message."""

from __future__ import annotations

import json
from collections.abc import Iterable


def dumped(message: bytes, arrived_ms: int, key: str | None = None, **more: object) -> bytes:
    """Returns a message as a line of a dump; kcat writes bytes that are not UTF-8 as they are."""
    envelope = {"topic": "telemetry", "partition": 0, "offset": 1, "tstype": "create", "ts": arrived_ms, "key": key}
    payload = message.decode(errors="surrogateescape")
    return json.dumps({**envelope, **more, "payload": payload}, ensure_ascii=False).encode(errors="surrogateescape")


def dump(messages: Iterable[tuple[int, bytes]]) -> list[bytes]:
    """Returns the lines of a dump of messages, each given with its arrival in epoch milliseconds."""
    return [dumped(message, arrived_ms) for arrived_ms, message in messages]
