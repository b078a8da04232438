"""`./fire score`: scores messages without Flink."""

from __future__ import annotations

import argparse
import gzip
import itertools
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, cast

import orjson

from core.errors import FireError
from udfs.readings.documents import score

BATCH = 1000


class ScoreError(FireError):
    """The input cannot be read; the text names the input and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Scores the messages of `args.file` and writes refused ones to `args.dead_letters`; refusals do not change exit code 0."""
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
    """Opens a text file, plain or gzip, or standard input for `-`.

    Raises:
        ScoreError: the file does not exist.
    """
    if name == "-":
        return sys.stdin.buffer
    try:
        return cast(IO[bytes], gzip.open(name, "rb")) if name.endswith(".gz") else open(name, "rb")
    except FileNotFoundError:
        raise ScoreError(f"{name} does not exist; name a file of JSON lines, or - for standard input") from None


def _batches(lines: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    first = 1
    while batch := [line.rstrip(b"\r\n") for line in itertools.islice(lines, BATCH)]:
        yield first, batch
        first += len(batch)


def _message(line: bytes, field: str | None) -> bytes:
    """Returns the message of a line: the line itself, or the named field of its JSON object."""
    if field is None:
        return line
    try:
        value = orjson.loads(line)[field]
    except (orjson.JSONDecodeError, KeyError, TypeError) as problem:
        raise ScoreError(f"a line has no field {field!r}: {line[:80]!r}; omit --field or name another field") from problem
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _write(stream: Any, document: dict[str, Any]) -> None:
    stream.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
