"""What the peers that decode with the project's NumPy core have in common: its columns and the messages of a folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from contract.declared import CONTRACT
from udfs.readings import decode

BATCH = 10_000
FIVE_MINUTES_MS, MINUTE_MS, LATENESS_MS, REMEMBERED_MS = 300_000, 60_000, 10_000, 600_000
RISKY = ("HIGH", "CRITICAL")
NOT_DECODED = ("schema_version", "event_time", "is_late")
TYPES = {"id": "STRING", "name": "STRING", "word": "STRING", "words": "STRING", "number": "DOUBLE", "score": "DOUBLE",
         "whole": "BIGINT", "flag": "BOOLEAN", "version": "STRING"}
COLUMNS = {each.name: TYPES[each.type] for each in CONTRACT.result("readings").columns if each.name not in NOT_DECODED}
"""Columns of a reading that `decode.read` fills, with their SQL types."""


def batches(folder: Path) -> Iterator[list[bytes]]:
    """Yields the messages of the files in a folder, in the order of their names."""
    for file in sorted(folder.iterdir()):
        with file.open("rb") as lines:
            while batch := [line.rstrip(b"\n") for line in itertools.islice(lines, BATCH)]:
                yield batch


def read(messages: list[bytes], arrived_ms: int) -> decode.Readings:
    """Decodes and scores messages that arrived at one time."""
    return decode.read(messages, arrived_ms=np.full(len(messages), arrived_ms))
