"""Durations as people write them on a command line or in a configuration file."""

from __future__ import annotations

import argparse

DURATION = "seconds, with or without the s: 120 or 120s"


def seconds(text: str) -> float:
    """Reads a duration in seconds: `120`, `120s` or `2m`."""
    factor = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
    try:
        value = float(text[:-1]) * factor if factor else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; use {DURATION}") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; use {DURATION}")
    return value
