"""`./fire test`: runs pytest in the repository; words that `./fire` does not know go to pytest."""

from __future__ import annotations

import argparse
import os

from core.installation import ROOT


def run(args: argparse.Namespace) -> int:
    """Runs the tests named in `args.rest`, all without any; pytest's exit code."""
    import pytest

    os.chdir(ROOT)
    return int(pytest.main(list(args.rest) or ["tests"]))
