"""Helpers to declare a command and to parse its arguments."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
CLUSTER = "REST address of the cluster (default: the stack that `up` started)"


def command(commands: Commands, name: str, run: str, needs: str, about: str, example: str) -> argparse.ArgumentParser:
    """Declares a command that calls `run` (`module:function`) after the launcher has installed `needs`."""
    sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".",
                              epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter)
    sub.set_defaults(run=run, needs=needs)
    return sub


def moment(text: str) -> datetime:
    """Parses an ISO 8601 time; without an offset it is UTC.

    Raises:
        ArgumentTypeError: the text is not an ISO 8601 time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write it like 2025-10-09T18:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def positive(text: str) -> int:
    """Parses a whole number of at least 1.

    Raises:
        ArgumentTypeError: the text is not one.
    """
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1; write it like 1000")
    return int(text)
