"""Parses the query parameters of a request: limits, filters and times.

Every function raises BadRequestError, which names the parameter, if the value is invalid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import request

from services.dashboard.views import alerts, devices
from services.dashboard.views.paging import LIMIT, MOST, BadRequestError
from udfs.readings.scoring import LEVELS
from udfs.texts.alert_texts import ALERT_TYPES

LONGEST, LONGEST_CURSOR = 256, 1024
"""Maximum length in characters; a cursor contains the longest id, escaped as JSON, in base64."""


def text(name: str, longest: int = LONGEST) -> str | None:
    """Returns a parameter, or None if it is missing or empty, as forms send it."""
    value = request.args.get(name, "").strip()
    if len(value) > longest or "\0" in value:
        raise BadRequestError(f"{name} must be at most {longest} characters, none of them NUL")
    return value or None


def after() -> str | None:
    """Returns the cursor after which a page of a list begins, or None."""
    return text("cursor", LONGEST_CURSOR)


def choice(name: str, choices: Sequence[str]) -> str | None:
    """Returns a parameter that is one of the choices, or None."""
    value = text(name)
    if value is not None and value not in choices:
        raise BadRequestError(f"{name} is {value!r}; use one of: {', '.join(choices)}")
    return value


def flag(name: str) -> bool | None:
    """Returns a boolean parameter, or None."""
    value = choice(name, ("true", "false"))
    return None if value is None else value == "true"


def time(name: str) -> datetime | None:
    """Returns an ISO-8601 time or day in UTC, which is also the default offset, or None."""
    value = text(name)
    if value is None:
        return None
    try:
        # An unescaped plus sign arrives as a space.
        parsed = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
        return parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequestError(f"{name} is {value!r}; use a time like 2025-10-09T09:00:00Z, or a day like 2025-10-09") from None


def limit(default: int = LIMIT) -> int:
    """Returns the number of items per page, 1 to 200."""
    value = text("limit")
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(MOST)) and 1 <= int(value) <= MOST):
        raise BadRequestError(f"limit is {value!r}; use a number from 1 to {MOST}")
    return int(value)


def device_filter() -> devices.Filter:
    """Returns the filter of a list of devices."""
    return devices.Filter(text("site"), choice("level", LEVELS), text("q"), flag("active"))


def alert_filter() -> alerts.Filter:
    """Returns the filter of a list of alerts, by default of open ones."""
    return alerts.Filter(choice("level", LEVELS), choice("type", sorted(ALERT_TYPES)), text("site"),
                         choice("state", alerts.STATES) or "open", time("since"), time("until"), text("q"))
