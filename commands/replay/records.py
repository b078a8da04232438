"""Writes the file that `sql/detect/01_telemetry/records.sql` reads: messages with their arrival, or else a bound of their time.

A dump of `kcat -J`, one JSON object with `ts`, `key` and `payload` per line, keeps the arrivals. Every other file has messages
whose arrival is unknown. The time of such a message is judged by the lines around it: one that leaps ahead of all lines before it
counts only if the lines behind it follow. Otherwise the watermark would follow one wrong clock, and leave everything behind it
late. A leap is judged, not a distance from the neighbours, because in a sparse file good neighbours are far apart, too.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from commands.replay import archive
from commands.score import open_lines
from core.errors import FireError
from udfs.readings import decode
from udfs.readings.event_time import NO_TIME

Times = NDArray[np.int64]

LEAP_MS = 600_000
"""A time further ahead of all lines before it is a leap: clocks up to 10 minutes wrong are not unusual."""
LINES_BEHIND = 50
"""The lines behind a leap that confirm it, if at least half of them follow."""
BATCH = 10_000


class RecordsError(FireError):
    """A dump cannot be read; the text names its line and the remedy."""


@dataclass(frozen=True)
class Record:
    """A message with its position `file:line`, and in epoch milliseconds its arrival, or the newest time that it can have.

    A message without either is refused, and never moves the watermark.
    """

    message: bytes
    source: str
    newest_ms: int | None
    arrived_ms: int | None = None
    key: bytes | None = None

    def line(self) -> bytes:
        """Returns the record as a row of `telemetry_raw`, bytes in base64."""
        row = {"message": _base64(self.message), "record_key": None if self.key is None else _base64(self.key),
               "source": self.source, "arrived_ms": self.arrived_ms, "newest_ms": self.newest_ms}
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(files: Sequence[Path], target: Path) -> None:
    """Writes the records of files to `target`: dumps in the order of arrival, other files as they are given.

    Raises:
        RecordsError: a line of a dump is not a record.
    """
    records: Iterable[Record] = itertools.chain.from_iterable(map(_records, files))
    if all(keeps_arrivals(file) for file in files):
        records = sorted(records, key=lambda record: record.arrived_ms or 0)
    with target.open("wb") as out:
        out.writelines(record.line() for record in records)


def _records(file: Path) -> Iterator[Record]:
    if keeps_arrivals(file):
        return _dumped(file)
    if archive.is_archive(file):
        return _archived(file)
    return _messages(file)


def keeps_arrivals(file: Path) -> bool:
    """Checks whether a file is a dump of `kcat -J`, judged by its first line."""
    if archive.is_archive(file):
        return False
    with open_lines(str(file)) as lines:
        first = next((line for line in lines if line.strip()), b"")
    try:
        return _is_envelope(_parsed(first))
    except ValueError:
        return False


def _parsed(line: bytes) -> Any:
    """Parses a line of JSON, in which kcat writes bytes that are not UTF-8 as they are."""
    return json.loads(line.decode(errors="surrogateescape"))


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and type(value.get("ts")) is int and "payload" in value


def _dumped(file: Path) -> Iterator[Record]:
    written_ms = _written_ms(file)
    with open_lines(str(file)) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _dumped_record(line, f"{file}:{number}", written_ms)


def _dumped_record(line: bytes, source: str, written_ms: int) -> Record:
    try:
        envelope = _parsed(line)
    except ValueError as problem:
        raise RecordsError(f"{source} is not a record of kcat -J, as the first line is: {problem}; remove the line") from problem
    if not _is_envelope(envelope):
        raise RecordsError(f"{source} has no ts or no payload, unlike the first line; remove the line")
    key, ts = envelope.get("key"), envelope["ts"]
    return Record(_bytes(envelope["payload"]), source, written_ms, ts if ts >= 0 else None, None if key is None else _bytes(key))


def _bytes(value: Any) -> bytes:
    """Returns a payload or key as it was; kcat can show JSON as such, and shows a record without a value as null."""
    if not isinstance(value, str):
        return b"" if value is None else orjson.dumps(value)
    try:
        return value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return value.encode(errors="replace")


def _archived(file: Path) -> Iterator[Record]:
    """Yields the messages of archived readings, which were judged when they were read."""
    for number, message in enumerate(archive.messages(file), 1):
        yield Record(message, f"{file}:{number}", archive.NEWEST_MS)


def _messages(file: Path) -> Iterator[Record]:
    """Yields the messages of a file, which is read twice: first for their times."""
    written_ms = _written_ms(file)
    times = np.concatenate([np.zeros(0, dtype=np.int64), *map(_times, _batches(file))])
    newest = newest_times(times, written_ms)
    lines = itertools.chain.from_iterable(_batches(file))
    for number, (message, newest_ms) in enumerate(zip(lines, newest, strict=True), 1):
        yield Record(message, f"{file}:{number}", newest_ms)


def _written_ms(file: Path) -> int:
    return file.stat().st_mtime_ns // 1_000_000


def _batches(file: Path) -> Iterator[list[bytes]]:
    with open_lines(str(file)) as lines:
        while batch := [line.rstrip(b"\r\n") for line in itertools.islice(lines, BATCH)]:
            yield batch


def _times(messages: list[bytes]) -> Times:
    """Returns the time of each message, NO_TIME for one that is refused."""
    readings = decode.read(messages)
    is_refused = readings.reason != None  # noqa: E711 -- compares each element
    return np.where(is_refused, NO_TIME, readings.columns["event_ms"])


def newest_times(times: Times, written_ms: int) -> list[int | None]:
    """Returns the newest time that each message of a file can have: none if it is refused, whose time is NO_TIME."""
    newest: list[int | None] = [None if is_refused else written_ms for is_refused in times == NO_TIME]
    rows = np.flatnonzero(times != NO_TIME)
    for at, bound in _unconfirmed(times[rows].tolist()):
        newest[rows[at]] = min(bound, written_ms)
    return newest


def _unconfirmed(times: list[int]) -> Iterable[tuple[int, int]]:
    """Yields the position of each time whose leap the times behind it do not follow, and the newest time that they confirm."""
    newest: int | None = None
    for at, time in enumerate(times):
        if newest is None or time > newest + LEAP_MS:
            behind = sorted(times[at + 1 : at + 1 + LINES_BEHIND])
            confirmed = max(newest or 0, behind[len(behind) // 2] if behind else time) + LEAP_MS
            if time > confirmed:
                yield at, confirmed
                continue
        newest = time if newest is None else max(newest, time)
