"""Parses durations as people write them on a command line or in a configuration file."""

from __future__ import annotations

import argparse

DURATION = "seconds, minutes or hours, as in 120, 120s, 2m or 1h"


def seconds(text: str) -> float:
    """Converts a duration such as `120`, `120s`, `2m` or `1h` to seconds.

    Raises:
        ArgumentTypeError: the text is not a duration above zero.
    """
    factor = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        value = float(text[:-1]) * factor if factor else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; use {DURATION}") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration above zero; use {DURATION}")
    return value
