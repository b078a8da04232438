"""Writes JSON from whatever a row contains and reads JSON from the database, the one place where numbers change between them.

A number that JSON or a browser cannot represent is approximated: beyond 64 bits it becomes a float, infinity and NaN become null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from flask.json.provider import JSONProvider

LEAST, MOST = -(2**63), 2**64 - 1
"""The range of whole numbers that orjson writes."""
DEEPEST = 100
"""Levels of lists and objects that are written; deeper ones become null."""
SURE_DIGITS = 18
"""Digits of whole numbers that surely fit 64 bits; longer ones are read as floats first, which takes linear time."""


def dumps(value: Any) -> bytes:
    """Returns a value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a number, a text or a depth that orjson does not write
        return orjson.dumps(_plain(value, 0))


def loads(text: str | bytes) -> Any:
    """Reads JSON that Postgres stores, whose numbers may have any size; None if it is nested too deeply."""
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError:
        return None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= SURE_DIGITS else _nearest(digits)


def _nearest(digits: str) -> int | float:
    near = float(digits)
    return int(digits) if LEAST < near < MOST else near


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {_plain(str(name), depth): _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return _number(value) if isinstance(value, int | float | Decimal) else value


def _number(value: float | Decimal) -> float | None:
    """Returns the number as orjson writes it; None if it is infinite or NaN."""
    if isinstance(value, int):
        return value if LEAST <= value <= MOST else _finite(value)
    return _finite(value)


def _finite(value: float | Decimal) -> float | None:
    try:
        near = float(value)
    except OverflowError:
        return None
    return near if math.isfinite(near) else None


class Provider(JSONProvider):
    """Reads and writes the JSON of Flask: templates and the bodies of requests."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Returns a value as JSON, like `dumps` of this module."""
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Reads the body of a request.

        Raises:
            ValueError: it is not JSON in UTF-8, or nested too deeply.
        """
        return orjson.loads(s)
