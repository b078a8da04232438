"""Messages as the documents of the topics: scored readings, or dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contract.model import CONTRACT
from udfs import dead_letters
from udfs.readings import decode, event_time

COLUMNS = CONTRACT.result("readings").columns
WHOLE = tuple(column.name for column in COLUMNS if column.type == "whole")
LISTS = tuple(column.name for column in COLUMNS if column.type == "words")
FIRST = ("device_id", "idx", "event_time", "site_id")


def score(messages: Sequence[bytes], source: str, first: int = 1) -> Iterator[tuple[dict[str, Any], bool]]:
    """The reading (and True) or the dead letter (and False) of each message; `first` is the first one's line."""
    readings = decode.read(messages)
    rows = _documents(readings.columns)
    for number, (message, reason, row) in enumerate(zip(messages, readings.reason, rows, strict=True), first):
        yield (row, True) if reason is None else (dead_letters.document(message, reason, f"{source}:{number}"), False)


def _documents(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each row as a reading in the shape of the topic."""
    shaped = columns | {"event_time": event_time.to_iso(columns["event_ms"])}
    shaped |= {name: _split(columns[name]) for name in LISTS}
    names = [*FIRST, *(name for name in shaped if name not in (*FIRST, "event_ms"))]
    lists = [_values(name, shaped[name]) for name in names]
    for row in zip(*lists, strict=True):
        yield {"schema_version": 1} | dict(zip(names, row, strict=True))


def _split(column: Any) -> list[list[str]]:
    return [text.split(",") if text else [] for text in column]


def _values(name: str, column: Any) -> list[Any]:
    if isinstance(column, list) or column.dtype.kind not in "f":
        return column if isinstance(column, list) else column.tolist()
    finite = np.isfinite(column)
    if name in WHOLE:
        return [int(value) if known else None for value, known in zip(column.tolist(), finite, strict=True)]
    return [value if known else None for value, known in zip(column.tolist(), finite, strict=True)]
