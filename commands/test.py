"""`./fire test`: runs pytest in the repository and passes its arguments on."""

from __future__ import annotations

import argparse
import os

from core.installation import ROOT


def run(args: argparse.Namespace) -> int:
    """Runs pytest with the arguments in `args.rest`, or all tests if there are none, and returns its exit code."""
    import pytest

    os.chdir(ROOT)
    return int(pytest.main(list(args.rest) or ["tests"]))
