"""The command surface of `./fire`: every subcommand, its options, its help and its example.

Standard library only: the launcher reads it before anything is installed, and the installed project dispatches by it.
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
    """The whole command line; each subparser names its `module:function` and what must be installed for it."""
    parser = argparse.ArgumentParser(prog="./fire", description="Sees an electrical fire coming.",
                                     epilog="First steps:  ./fire demo   then   ./fire test")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for group in (machine, flink_jobs, messages, services, operating):
        for declare in group.DECLARATIONS:
            declare(commands)
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses a command line; words after `test` that it does not know go to pytest as `rest`."""
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
