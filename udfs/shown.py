"""How a reason shows the value that it refuses: in a few characters, whatever arrived and however large it is."""

from __future__ import annotations

from typing import Any

LONGEST_SHOWN = 60
KINDS = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}


def shown(value: Any) -> str:
    """A JSON value as Python writes it, cut to `LONGEST_SHOWN` characters; of an array or object only its kind."""
    if isinstance(value, str):
        value = value[:LONGEST_SHOWN]
    return shortened(repr(value) if isinstance(value, str | int | float) else kind(value), LONGEST_SHOWN)


def kind(value: Any) -> str:
    """What kind of JSON value it is: `a string`, `null`."""
    return "null" if value is None else KINDS[type(value)]


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and three dots, in at most `longest` characters."""
    return text if len(text) <= longest else f"{text[:longest - 3]}..."
