"""The second half of `./fire`, on a supported Python: parses, installs what the command needs, and runs it in the venv."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from commands import cli
from core import installation
from core.errors import FireError
from core.settings import Settings, variable


def main(argv: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; replaces this process by the venv's Python if it needs packages."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return 130
    except FireError as error:
        print(f"./fire: {error}", file=sys.stderr)
        return 2


def _run(argv: Sequence[str]) -> int:  # noqa: RET503 -- its last call replaces this process
    args = cli.parse(argv)
    settings = Settings.load()
    home = installation.home_folder(settings)
    os.environ[variable("home")] = str(home)
    if args.needs == "none":
        return cli.main(argv)
    from infra.local import install

    install.ensure(home, "archive" if settings.archive and args.needs == "stack" else args.needs)
    python = str(installation.venv_python(home))
    # -P keeps modules in the current folder from shadowing ours; the folder stays, so that file arguments resolve.
    os.execve(python, [python, "-P", "-m", "commands.cli", *argv], os.environ | {"PYTHONPATH": str(installation.ROOT)})
