"""What a request asks for: limits, filters and times of its query, each refused by name where it cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import request

from jobs.dashboard import alerts, devices
from jobs.dashboard.paging import LIMIT, MOST, BadRequestError
from udfs.kinds import KINDS
from udfs.scoring import LEVELS

LONGEST, LONGEST_CURSOR = 256, 1024
"""Characters; a cursor holds the longest id, escaped as JSON, in base64."""


def text(name: str, longest: int = LONGEST) -> str | None:
    """A parameter; an empty one, as forms send it, is none."""
    value = request.args.get(name, "").strip()
    if len(value) > longest or "\0" in value:
        raise BadRequestError(f"{name} must be at most {longest} characters, none of them NUL")
    return value or None


def after() -> str | None:
    """The cursor behind which a page of a list begins."""
    return text("cursor", LONGEST_CURSOR)


def choice(name: str, choices: Sequence[str]) -> str | None:
    """One of the choices, or None."""
    value = text(name)
    if value is not None and value not in choices:
        raise BadRequestError(f"{name} is {value!r}; use one of: {', '.join(choices)}")
    return value


def flag(name: str) -> bool | None:
    """true, false, or None."""
    value = choice(name, ("true", "false"))
    return None if value is None else value == "true"


def time(name: str) -> datetime | None:
    """An ISO-8601 time or day; without an offset it is UTC."""
    value = text(name)
    if value is None:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        given = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
        return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequestError(f"{name} is {value!r}; use a time like 2025-10-09T09:00:00Z, or a day like 2025-10-09") from None


def limit(default: int = LIMIT) -> int:
    """How many items a page holds, 1 to 200."""
    value = text("limit")
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MOST)) and 1 <= int(value) <= MOST):
        raise BadRequestError(f"limit is {value!r}; use a number from 1 to {MOST}")
    return int(value)


def device_filter() -> devices.Filter:
    """Which devices the query asks for."""
    return devices.Filter(text("site"), choice("level", LEVELS), text("q"), flag("active"))


def alert_filter() -> alerts.Filter:
    """Which alerts the query asks for; without a state the open ones."""
    return alerts.Filter(choice("level", LEVELS), choice("type", sorted(KINDS)), text("site"),
                         choice("state", alerts.STATES) or "open", time("since"), time("until"), text("q"))
