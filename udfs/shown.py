"""Formats what devices send for people: a refused value for its reason, and a text without characters that only act."""

from __future__ import annotations

import re
from typing import Any

LONGEST_SHOWN = 60
ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
"""Control characters, and those that change the direction of the text around them."""
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


def plain(text: str) -> str:
    """Replaces the control and bidirectional characters of a text by spaces."""
    return ACTING.sub(" ", text)
