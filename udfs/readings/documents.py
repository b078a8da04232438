"""Turns messages into the documents that the topics hold: scored readings or dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.declared import CONTRACT
from contract.model import SCHEMA_VERSION
from udfs import dead_letters
from udfs.readings import decode, event_time, payloads

TYPES = {column.name: column.type for column in CONTRACT.result("readings").columns}
WITHIN_THE_JOB = ("event_ms", "sensor_fault", "rated_current")
FIRST = ("device_id", "idx", "event_time", "site_id")


def score(messages: Sequence[bytes], source: str, first: int = 1) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yields the reading (with True) or the dead letter (with False) of each message; `first` is the line of the first one."""
    readings = decode.read(messages)
    rows = _documents(readings.columns, np.flatnonzero(readings.reason == None))  # noqa: E711 -- compares each element
    for number, (message, reason) in enumerate(zip(messages, readings.reason, strict=True), first):
        yield (next(rows), True) if reason is None else (dead_letters.document(message, reason, f"{source}:{number}"), False)


def _documents(columns: dict[str, Any], accepted: NDArray[np.intp]) -> Iterator[dict[str, Any]]:
    """Yields each accepted row as a reading in the shape of the topic."""
    shaped = columns | {"event_time": event_time.to_iso(columns["event_ms"])}
    names = [*FIRST, *(name for name in shaped if name not in (*FIRST, *WITHIN_THE_JOB))]
    lists = [payloads.values(shaped[name][accepted], TYPES.get(name, "")) for name in names]
    for row in zip(*lists, strict=True):
        yield {"schema_version": SCHEMA_VERSION} | dict(zip(names, row, strict=True))
