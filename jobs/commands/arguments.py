"""What the declarations of commands share: how a command is declared, and how its arguments are read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
CLUSTER = "REST address of the cluster (default: the stack that `up` started)"
DURATION = "seconds, with or without the s: 120 or 120s"


def command(commands: Commands, name: str, run: str, needs: str, about: str, example: str) -> argparse.ArgumentParser:
    """Declares one: `run` is its `module:function`, `needs` what must be installed for it."""
    sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".",
                              epilog=f"example:\n  {example}", formatter_class=argparse.RawDescriptionHelpFormatter)
    sub.set_defaults(run=run, needs=needs)
    return sub


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


def moment(text: str) -> datetime:
    """Reads a time as ISO-8601; without an offset it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 2025-10-09T18:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
