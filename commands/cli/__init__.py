"""The command line of `./fire`: every subcommand with its options, help and example.

Uses only the standard library, because the launcher imports it before anything is installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from commands.cli import flink_jobs, machine, messages, operating, services
from core import logs
from core.errors import FireError


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of all commands; each subparser sets `run` (`module:function`) and `needs` (what to install first)."""
    parser = argparse.ArgumentParser(prog="./fire", description="Foresees electrical fires.",
                                     epilog="First steps:  ./fire demo   then   ./fire test")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (machine, flink_jobs, messages, services, operating):
        for declare in group.DECLARATIONS:
            declare(commands)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses a command line; collects the unknown arguments of `test` in `rest`, for pytest."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "test":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    args.rest = rest
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = parse(sys.argv[1:] if argv is None else argv)
    module, function = args.run.split(":")
    try:
        return getattr(importlib.import_module(module), function)(args) or 0
    except FireError as problem:
        logs.complain(f"fire {args.command}: {problem}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
