"""The input of the file benchmark: seeded messages with a fire, malformed messages and duplicates, and what must come of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from commands.simulate.scenarios import Plan
from commands.simulate.sender import Sent, write
from udfs.readings import decode

START_MS = 1_760_000_400_000
"""Event time of the first message, in epoch milliseconds; arbitrary but fixed, and the start of an hour."""
MALFORMED = DUPLICATES = 0.01
MINUTE_MS = 60_000
BATCH, PARSED = 10_000, 200_000
OF_READINGS = "candidates of readings"
"""Candidates that come from readings alone; those of windows are compared between runs only."""


@dataclass(frozen=True)
class Telemetry:
    """A file of messages with the number of its messages and the rows of each result that must come of them."""

    file: Path
    messages: int
    expected: dict[str, int]


def make(file: Path, messages: int, devices: int) -> Telemetry:
    """Writes the messages of a fleet with a fire, one per second and device, 1 % malformed and 1 % exact duplicates.

    The file gets the time of its last message, which no message can be later than.
    """
    plan = Plan(scenario="spreading-fire", devices=devices, sites=max(devices // 10, 1), rate=float(devices), count=messages,
                malformed=MALFORMED, duplicates=DUPLICATES)
    return write_all(file, [(plan, START_MS)], START_MS + 1000 * -(-messages // devices))


def write_all(file: Path, plans: Sequence[tuple[Plan, int]], last_ms: int) -> Telemetry:
    """Writes the messages of plans, each with its start in epoch milliseconds, and gives the file the time `last_ms`."""
    sent = Sent()
    with file.open("wb") as out:
        for plan, start_ms in plans:
            write(plan, start_ms, out, sent)
    os.utime(file, ns=(last_ms * 1_000_000, last_ms * 1_000_000))
    return Telemetry(file, sent.messages, expected(file, sent))


def expected(file: Path, sent: Sent) -> dict[str, int]:
    """Returns the rows that must come of a file: readings and dead letters as sent, windows and candidates as decoded."""
    arrived_ms = file.stat().st_mtime_ns // 1_000_000
    minutes, windows, candidates = set[Any](), set[Any](), set[Any]()
    for batch in _batches(file):
        for device, at, level, alert_type in _accepted(batch, arrived_ms):
            minutes.add((device, at // MINUTE_MS))
            windows.add((device, at // (5 * MINUTE_MS)))
            if level in ("HIGH", "CRITICAL"):
                candidates.add((device, at // MINUTE_MS, level, alert_type))
    return {"readings": sent.readings, "dead_letters": sent.malformed, "device_minutes": len(minutes),
            "device_5min_aggregates": len(windows), OF_READINGS: len(candidates)}


def _accepted(batch: list[bytes], arrived_ms: int) -> Iterator[tuple[Any, ...]]:
    """Device, event time, level and alert type of each accepted message."""
    readings = decode.read(batch, arrived_ms=np.full(len(batch), arrived_ms))
    names = ("device_id", "event_ms", "risk_level", "alert_type")
    accepted = [reason is None for reason in readings.reason]
    return itertools.compress(zip(*(readings.columns[name].tolist() for name in names), strict=True), accepted)


def _batches(file: Path) -> Iterator[list[bytes]]:
    with file.open("rb") as lines:
        while batch := [line.rstrip(b"\n") for line in itertools.islice(lines, BATCH)]:
            yield batch


def yardstick(file: Path) -> float:
    """Returns the CPU-seconds per million messages of parsing the first messages of a file: how fast the machine is just now."""
    with file.open("rb") as lines:
        messages = list(itertools.islice(lines, PARSED))
    began = time.thread_time()
    for message in messages:
        with contextlib.suppress(orjson.JSONDecodeError):  # a few are malformed, which takes as long to see
            orjson.loads(message)
    return 1e6 * (time.thread_time() - began) / len(messages)


def found(out: Path) -> dict[str, int]:
    """Returns the rows by result in the output folder of a job, and of the candidates how many come from readings."""
    rows = {folder.name: sum(_lines(part) for part in folder.rglob("part-*")) for folder in sorted(out.iterdir())}
    return rows | {OF_READINGS: sum(_of_readings(part) for part in (out / "candidates").rglob("part-*"))}


def _lines(part: Path) -> int:
    with part.open("rb") as lines:
        return sum(1 for _ in lines)


def _of_readings(part: Path) -> int:
    with part.open("rb") as lines:
        return sum(orjson.loads(line)["cause"] == "readings" for line in lines)


def differences(must: dict[str, int], have: dict[str, int]) -> list[str]:
    """Returns a sentence for each result that does not have as many rows as it must; results not named in `must` are free."""
    return [f"{result} has {have.get(result, 0):,} rows and must have {rows:,}" for result, rows in must.items()
            if have.get(result, 0) != rows]
