"""Writes readings and their candidates as the JSON messages that the topics hold, from whole columns at once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract import crossing
from contract.declared import CONTRACT
from contract.model import Result
from udfs.readings import event_time, scoring

Column = NDArray[Any]

READINGS, CANDIDATES = CONTRACT.result("readings"), CONTRACT.result("candidates")
TYPES = {column.name: column.type for column in (*CANDIDATES.columns, *READINGS.columns)}
OF_READING = {column.name: column.name for column in READINGS.columns if column.name not in crossing.FIXED}
OF_CANDIDATE = crossing.candidate_columns(CONTRACT)
ROWS = {result.name: msgspec.defstruct(result.name, [column.name for column in result.columns], gc=False)
        for result in (READINGS, CANDIDATES)}
"""Result → the class of its rows; encoding an object of a class takes a quarter of the time of a dict."""
ENCODE = msgspec.json.Encoder().encode
ROWS_AT_A_TIME = 500
"""Rows whose values exist as objects at a time; so few stay in the cache, which makes writing twice as fast."""
NO_WORDS: list[str] = []


def messages(columns: Mapping[str, Column], accepted: Column) -> dict[str, Column]:
    """Writes a batch of readings.

    Args:
        columns: those that `decode.read` returns, and `is_late`.
        accepted: whether each message is a reading, bool.

    Returns:
        Columns `payload`, the JSON of each reading, and `candidate`, that of its candidate; None where there is none.
    """
    complete = {**columns, "event_time": event_time.to_iso(columns["event_ms"])}
    risky = accepted & np.isin(complete["risk_level"], scoring.RISKY_LEVELS)
    return {"payload": _written(READINGS, OF_READING, complete, accepted),
            "candidate": _written(CANDIDATES, OF_CANDIDATE, complete, risky)}


def _written(result: Result, sources: Mapping[str, str], columns: Mapping[str, Column], chosen: Column) -> Column:
    """Returns the chosen rows as JSON, None for the others; `sources` names the column of each field, others are null."""
    texts: Column = np.full(len(chosen), None, dtype=object)
    rows = np.flatnonzero(chosen)
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        some = rows[start : start + ROWS_AT_A_TIME]
        fields = (values(columns[sources[column.name]][some], column.type) if column.name in sources
                  else repeat(crossing.FIXED.get(column.name), len(some)) for column in result.columns)
        texts[some] = list(map(ENCODE, map(ROWS[result.name], *fields)))
    return texts


def values(column: Column, type_: str) -> list[Any]:
    """Returns a column of readings as JSON values of a declared type; a whole number that was not measured is None."""
    if type_ == "words":
        return [text.split(",") if text else NO_WORDS for text in column.tolist()]
    if type_ != "whole" or column.dtype.kind != "f":
        return list(column.tolist())
    unmeasured = np.isnan(column)
    whole: Column = np.where(unmeasured, 0, column).astype(np.int64)
    return [None if absent else value for value, absent in zip(whole.tolist(), unmeasured.tolist(), strict=True)]
