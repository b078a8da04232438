"""JSON out of whatever a row may hold, and JSON of the database into Python: the one place where numbers change between them.

A number that JSON or a browser cannot hold is told as near as can be: beyond 64 bits as a float, what is no number as null.
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
"""Whole numbers that orjson writes."""
DEEPEST = 100
"""Levels of lists and objects that are told; what lies below them is null."""
SURE_DIGITS = 18
"""Whole numbers of so few digits fit 64 bits; longer ones are looked at as floats first, in linear time."""


def dumps(value: Any) -> bytes:
    """The value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a number, text or depth that orjson does not write
        return orjson.dumps(_plain(value, 0))


def loads(text: str | bytes) -> Any:
    """A value of JSON that Postgres keeps, whose numbers have any size; None where it is nested too deeply."""
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
    """The number as orjson takes it; None for what is none."""
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
    """Flask's JSON, for templates and for the bodies of requests."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """See `dumps` of this module."""
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """The value of a request's body.

        Raises:
            ValueError: it is no JSON in UTF-8, or nested too deeply.
        """
        return orjson.loads(s)
