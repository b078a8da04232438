"""Formats a refused value for the reason that names it: short, whatever its type and size."""

from __future__ import annotations

from typing import Any

LONGEST_SHOWN = 60
JSON_TYPES = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}


def shown(value: Any) -> str:
    """Formats a JSON value as Python writes it, cut to `LONGEST_SHOWN` characters; an array or object only by its type."""
    if isinstance(value, str):
        value = value[:LONGEST_SHOWN]
    return shortened(repr(value) if isinstance(value, str | int | float) else json_type(value), LONGEST_SHOWN)


def json_type(value: Any) -> str:
    """Names the type of a JSON value: `a string`, `null`."""
    return "null" if value is None else JSON_TYPES[type(value)]


def shortened(text: str, longest: int) -> str:
    """Cuts a text to at most `longest` characters, of which the last three are then dots."""
    return text if len(text) <= longest else f"{text[:longest - 3]}..."
