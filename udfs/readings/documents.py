"""Turns messages into the documents that the topics hold: scored readings or dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from contract.declared import CONTRACT
from contract.model import SCHEMA_VERSION
from udfs import dead_letters
from udfs.readings import decode, event_time

COLUMNS = CONTRACT.result("readings").columns
WHOLE = tuple(column.name for column in COLUMNS if column.type == "whole")
LISTS = tuple(column.name for column in COLUMNS if column.type == "words")
FIRST = ("device_id", "idx", "event_time", "site_id")


def score(messages: Sequence[bytes], source: str, first: int = 1) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yields the reading (with True) or the dead letter (with False) of each message; `first` is the line of the first one."""
    readings = decode.read(messages)
    rows = _documents(readings.columns)
    for number, (message, reason, row) in enumerate(zip(messages, readings.reason, rows, strict=True), first):
        yield (row, True) if reason is None else (dead_letters.document(message, reason, f"{source}:{number}"), False)


def _documents(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields each row as a reading in the shape of the topic."""
    shaped = columns | {"event_time": event_time.to_iso(columns["event_ms"])}
    shaped |= {name: _split(columns[name]) for name in LISTS}
    names = [*FIRST, *(name for name in shaped if name not in (*FIRST, "event_ms"))]
    lists = [_values(name, shaped[name]) for name in names]
    for row in zip(*lists, strict=True):
        yield {"schema_version": SCHEMA_VERSION} | dict(zip(names, row, strict=True))


def _split(column: Any) -> list[list[str]]:
    return [text.split(",") if text else [] for text in column]


def _values(name: str, column: Any) -> list[Any]:
    if isinstance(column, list) or column.dtype.kind not in "f":
        return column if isinstance(column, list) else column.tolist()
    finite = np.isfinite(column)
    if name in WHOLE:
        return [int(value) if is_finite else None for value, is_finite in zip(column.tolist(), finite, strict=True)]
    return [value if is_finite else None for value, is_finite in zip(column.tolist(), finite, strict=True)]
