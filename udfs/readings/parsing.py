"""Parses device messages: plain ones with a typed decoder, which is faster, and every other one as a JSON object.

A plain message is an object of declared fields, each at most null or of the field's own type: an id is a text, a measurement a
number, the time a text or whole epoch milliseconds. The typed decoder stops at anything else, and the whole message is then
parsed again as an object, from which the odd values are read or refused one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from contract.declared import CONTRACT
from contract.identifiers import LONGEST_BYTES, MOST_BYTES_PER_CHARACTER
from udfs.readings.event_time import LATEST_MS
from udfs.shown import json_type

Column = NDArray[Any]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_BYTES // MOST_BYTES_PER_CHARACTER)]
"""A text that cannot be too long, whatever its characters."""
NUMBERS = ("idx", *(spelling for each in CONTRACT.measured for spelling in each.spellings))
WHOLE = frozenset({"idx", *(spelling for each in CONTRACT.measured if each.type == "whole" for spelling in each.spellings)})
LARGEST_EXACT = 2**53
"""The largest whole number that is exact in a JSON number."""
Exact = Annotated[float, msgspec.Meta(gt=-LARGEST_EXACT, lt=LARGEST_EXACT)]
"""A number that is the same as a whole number and as a float."""
NOT_SENT = -float("nan")
"""Stands for an absent number; its sign tells it from the NaN that a null becomes."""
NULL_BITS = np.fromiter([None], dtype=np.float64, count=1).view(np.int64)[0]
"""The bits of the NaN that a null becomes."""
Plain = msgspec.defstruct("Plain", [
    ("deviceId", Text), ("siteId", Text | None, None), ("topicDeviceId", Text | None, None),
    ("timestamp", Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)] | str | None, None),
    *((name, (Exact if name in WHOLE else float) | None, NOT_SENT) for name in NUMBERS),
], forbid_unknown_fields=True, gc=False)  # fmt: skip
"""A plain message. Unknown fields are not skipped, because the typed decoder does not check what it skips."""
DECODER = msgspec.json.Decoder(Plain)
NOT_PLAIN = Plain(deviceId="not plain")
"""Stands in for a message that is not plain, so that the columns of plain messages have a value in every row."""
MOST_IN_VAIN = 100
"""Messages of a batch that the typed decoder may refuse; beyond it, the rest are not tried if most so far were refused."""
ALL_NUMBERS = attrgetter(*NUMBERS)

STRING_OR_NAN = re.compile(rb'"(?:[^"\\]|\\.)*"?|NaN', re.DOTALL)
"""A string, closed or not, so that none is searched twice; or a NaN outside of strings."""
LAST_KEY = re.compile(rb'"([^"\\]+)"\s*:[^,{}\[\]"]*$')
SEARCHED_FOR_KEY = 512
"""Bytes before an error in the JSON that are searched for the name of its field."""


@dataclass(frozen=True)
class Messages:
    """A batch of parsed messages.

    `plain` has one object per message; the rows `odd_rows` hold `NOT_PLAIN` there, and their fields are in `odd`, empty for
    what is no object. `numbers` are the columns of the fields `NUMBERS` of plain messages, NaN where absent or null. `nulls`
    lists the rows in which a field that is a number, or any field of an odd message, is null. `at_odd_rows` are the odd rows as
    an array, which indexes columns.
    """

    plain: list[Any]
    numbers: dict[str, Column]
    odd_rows: list[int]
    odd: list[dict[str, Any]]
    at_odd_rows: Column
    nulls: Mapping[str, list[int]]

    def plain_values(self, field: str) -> list[Any]:
        """Returns a field's values in plain messages, one per row of the batch."""
        return list(map(attrgetter(field), self.plain))

    def values(self, field: str) -> list[Any]:
        """Returns a field's values, None where it is absent."""
        return self.with_odd(self.plain_values(field), field)

    def with_odd(self, values: list[Any], field: str) -> list[Any]:
        """Returns the list of a field's values in plain messages with those of odd messages put in."""
        for row, message in zip(self.odd_rows, self.odd, strict=True):
            values[row] = message.get(field)
        return values

    def plain_numbers(self, spellings: tuple[str, ...]) -> Column:
        """Returns a new column with the numbers in plain messages under the first spelling that is not absent or null."""
        first, *others = spellings
        column = self.numbers[first].copy()
        for other in others:
            np.copyto(column, self.numbers[other], where=np.isnan(column))
        return column

    def odd_values(self, spellings: tuple[str, ...]) -> list[Any]:
        """Returns what each odd message has under the first spelling that is not absent or null."""
        first, *others = spellings
        values = [message.get(first) for message in self.odd]
        for other in others:
            for row in [row for row, value in enumerate(values) if value is None]:
                values[row] = self.odd[row].get(other)
        return values


def parse(messages: Sequence[bytes | None], reasons: Column) -> Messages:
    """Parses a batch; writes the reason of every message that is not a JSON object to its row of `reasons`."""
    plain, odd_rows = _plain(messages)
    odd = [_object(messages[row] or b"", row, reasons) for row in odd_rows]
    by_row = _numbers(plain, odd_rows)
    numbers = dict(zip(NUMBERS, np.ascontiguousarray(by_row.T), strict=True))
    return Messages(plain, numbers, odd_rows, odd, np.array(odd_rows, dtype=np.intp), _nulls(by_row, odd_rows, odd))


def _plain(messages: Sequence[bytes | None]) -> tuple[list[Any], list[int]]:
    plain: list[Any] = []
    odd_rows: list[int] = []
    decode, add = DECODER.decode, plain.append
    for row, message in enumerate(messages):
        try:
            add(decode(message or b""))
        except (msgspec.DecodeError, UnicodeDecodeError):
            add(NOT_PLAIN)
            odd_rows.append(row)
            if len(odd_rows) > MOST_IN_VAIN and len(odd_rows) > row // 2:
                break
    rest = range(len(plain), len(messages))
    return plain + [NOT_PLAIN] * len(rest), [*odd_rows, *rest]


def _numbers(plain: list[Any], odd_rows: list[int]) -> Column:
    """Returns the fields `NUMBERS` of plain messages, one row per message."""
    if len(odd_rows) == len(plain):
        return np.full((len(plain), len(NUMBERS)), NOT_SENT)
    values = chain.from_iterable(map(ALL_NUMBERS, plain))
    return np.fromiter(values, dtype=np.float64, count=len(plain) * len(NUMBERS)).reshape(len(plain), len(NUMBERS))


def _nulls(by_row: Column, odd_rows: list[int], odd: list[dict[str, Any]]) -> dict[str, list[int]]:
    nulls: dict[str, list[int]] = {}
    for row, position in np.argwhere(by_row.view(np.int64) == NULL_BITS).tolist():
        nulls.setdefault(NUMBERS[position], []).append(row)
    for row, message in zip(odd_rows, odd, strict=True):
        for name in [name for name, value in message.items() if value is None] if None in message.values() else ():
            nulls.setdefault(name, []).append(row)
    return nulls


def _object(message: bytes, row: int, reasons: Column) -> dict[str, Any]:
    try:
        value = orjson.loads(message)
    except orjson.JSONDecodeError as problem:
        value = _without_nan(message)
        if not isinstance(value, dict):
            reasons[row] = _not_json(message, problem)
            return {}
    if isinstance(value, dict):
        return value
    reasons[row] = f"message is not a JSON object but {json_type(value)}"
    return {}


def _without_nan(message: bytes) -> Any:
    """Parses a message in which a bare NaN, which is not JSON, stands for null; returns None if it is not JSON even then."""
    if b"NaN" not in message:
        return None
    try:
        return orjson.loads(STRING_OR_NAN.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], message))
    except orjson.JSONDecodeError:
        return None


def _not_json(message: bytes, problem: orjson.JSONDecodeError) -> str:
    if not message:
        return "message is empty"
    key = LAST_KEY.search(message[max(problem.pos - SEARCHED_FOR_KEY, 0) : problem.pos])
    where = f"{key[1].decode(errors='replace')}: " if key else ""
    return f"{where}message is not JSON: {problem}"
