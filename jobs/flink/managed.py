"""The entry point of the package for Managed Service for Apache Flink: starts the job that the application's properties name.

The service logs only that a Python program has ended, not its error, so a failure is printed as one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.settings import APPLICATION_PROPERTIES, Settings


def main(argv: Sequence[str]) -> int:
    """Starts the job and returns 0; returns 1 and prints the cause on standard error if the job cannot be started."""
    parser = argparse.ArgumentParser(prog="main.py", description="Starts the job that the runtime properties name.")
    parser.add_argument("--properties", type=Path, default=APPLICATION_PROPERTIES, metavar="FILE",
                        help=f"the application's runtime properties (default {APPLICATION_PROPERTIES})")
    try:
        start(parser.parse_args(argv).properties)
    except Exception as problem:
        print(json.dumps(cause(problem)), file=sys.stderr, flush=True)
        return 1
    return 0


def start(properties: Path) -> str:
    """Starts the job that the property file names, and returns its name."""
    settings = replace(Settings.load(properties=properties), managed_flink=True)
    importlib.import_module(f"jobs.{settings.job}").start(settings)
    return settings.job


def cause(problem: Exception) -> dict[str, str]:
    """Describes an error as one document: `error` holds the message with its remedy, `type` and `traceback` the origin."""
    return {"level": "ERROR", "message": "the job could not be started", "type": type(problem).__name__,
            "error": str(problem), "traceback": "".join(traceback.format_exception(problem))}
