"""Pages of lists: a limit, an opaque cursor behind the last item, and how many there are in all."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from jobs.errors import FireError

LIMIT, MOST = 50, 200
COUNTED = 100_000
"""No more than this is counted, so that a total costs little."""
READ: dict[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, float: float}
"""How a part of a key that JSON does not know is read from its text."""


class BadRequestError(FireError):
    """A parameter cannot be used; the text names it and what it may be."""


def page(rows: Sequence[dict[str, Any]], limit: int, total: int, item: Callable[[dict[str, Any]], dict[str, Any]],
         key: Callable[[dict[str, Any]], Sequence[Any]]) -> dict[str, Any]:
    """The first `limit` of `limit` + 1 rows as `items`; `next` is null on the last page."""
    shown = rows[:limit]
    return {"items": [item(row) for row in shown], "next": cursor(*key(shown[-1])) if len(rows) > limit else None, "total": total}


def cursor(*key: Any) -> str:
    """A place in a list, for `place`."""
    told = [repr(part) if isinstance(part, float) else part for part in key]  # JSON knows no infinity, which a key may be
    return base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")


def place(text: str | None, *kinds: type) -> tuple[Any, ...]:
    """The key that `cursor` was given, each part of its kind; a None for each without a cursor.

    Raises:
        BadRequestError: it is no cursor of this list.
    """
    if not text:
        return (None,) * len(kinds)
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        parts = [READ[kind](value) if kind in READ else value for kind, value in zip(kinds, values, strict=True)]
    except (binascii.Error, ValueError, TypeError):
        raise BadRequestError("cursor is not one that this list gave; leave it out to begin anew") from None
    if not all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=True)):
        raise BadRequestError("cursor is not one that this list gave; leave it out to begin anew")
    return tuple(parts)
