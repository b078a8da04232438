"""Paging of lists: a limit, an opaque cursor to the next page, and the total number of items."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from core.errors import FireError

LIMIT, MOST = 50, 200
COUNTED = 100_000
"""The maximum that is counted, so that a total is cheap."""
READ: dict[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, float: float}
"""How a part of a sort key that JSON does not know is read from its text."""


class BadRequestError(FireError):
    """A parameter is invalid; the message names it and the valid values."""


def page(rows: Sequence[dict[str, Any]], limit: int, total: int, item: Callable[[dict[str, Any]], dict[str, Any]],
         key: Callable[[dict[str, Any]], Sequence[Any]]) -> dict[str, Any]:
    """Returns a page with the first `limit` of `limit` + 1 rows as `items`; `next` is None on the last page."""
    shown = rows[:limit]
    return {"items": [item(row) for row in shown], "next": cursor(*key(shown[-1])) if len(rows) > limit else None, "total": total}


def cursor(*key: Any) -> str:
    """Encodes the sort key of an item as a cursor, which `position` decodes."""
    parts = [repr(part) if isinstance(part, float) else part for part in key]  # JSON has no infinity, which a key may be
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def position(text: str | None, *types: type) -> tuple[Any, ...]:
    """Decodes a cursor to the sort key with parts of these types; without a cursor every part is None.

    Raises:
        BadRequestError: the cursor does not belong to this list.
    """
    if not text:
        return (None,) * len(types)
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        parts = [READ[each](value) if each in READ else value for each, value in zip(types, values, strict=True)]
    except (binascii.Error, ValueError, TypeError):
        raise BadRequestError("cursor does not belong to this list; leave it out to get the first page") from None
    if not all(isinstance(part, each) for part, each in zip(parts, types, strict=True)):
        raise BadRequestError("cursor does not belong to this list; leave it out to get the first page")
    return tuple(parts)
