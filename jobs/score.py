"""`./fire score`: messages in, scored readings out, with the scoring core alone."""

from __future__ import annotations

import argparse
import gzip
import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any, cast

import numpy as np
import orjson

from jobs.errors import FireError
from udfs import dead_letters, event_time, telemetry

BATCH = 1000
WHOLE = ("idx", "status_bits", "verify_status", "arc_count", "total_alarm_count")
LISTS = ("invalid_fields", "warnings")
FIRST = ("device_id", "idx", "event_time", "site_id")


class ScoreError(FireError):
    """The input cannot be read; the text names it and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Scores the messages of `args.file`; refused ones go to `args.dead_letters`. Exit code 0, also with refusals."""
    with ExitStack() as files:
        lines = files.enter_context(open_lines(args.file))
        refused = files.enter_context(open(args.dead_letters, "wb")) if args.dead_letters else sys.stderr.buffer
        for first, batch in _batches(lines):
            messages = [_message(line, args.field) for line in batch]
            for document, accepted in score(messages, args.file, first):
                _write(sys.stdout.buffer if accepted else refused, document)
            sys.stdout.buffer.flush()
    return 0


def open_lines(name: str) -> IO[bytes]:
    """Opens a file of lines, plain or gzip; `-` is standard input.

    Raises:
        ScoreError: the file does not exist.
    """
    if name == "-":
        return sys.stdin.buffer
    try:
        return cast(IO[bytes], gzip.open(name, "rb")) if name.endswith(".gz") else open(name, "rb")
    except FileNotFoundError:
        raise ScoreError(f"{name} does not exist; name a file of JSON lines, or - for standard input") from None


def score(messages: Sequence[bytes], source: str, first: int = 1) -> Iterator[tuple[dict[str, Any], bool]]:
    """The reading (and True) or the dead letter (and False) of each message; `first` is the first one's line."""
    readings = telemetry.read(messages)
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


def _batches(lines: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    first = 1
    while batch := [line.rstrip(b"\r\n") for line in itertools.islice(lines, BATCH)]:
        yield first, batch
        first += len(batch)


def _message(line: bytes, field: str | None) -> bytes:
    """The message of a line: the line itself, or one field of it as an object or as text."""
    if field is None:
        return line
    try:
        value = orjson.loads(line)[field]
    except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise ScoreError(f"a line has no field {field!r}: {line[:80]!r}; leave --field out, or name another") from problem
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _write(stream: Any, document: dict[str, Any]) -> None:
    stream.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
