"""What `./fire` does once a usable Python runs it: parse, install what the command needs, hand over to the venv."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from commands import cli
from core import installation
from core.errors import FireError
from core.settings import Settings, variable


def main(argv: Sequence[str]) -> int:
    """Runs one command line; returns its exit code if it needs nothing installed, else becomes the venv's Python."""
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
    # -P: a folder of the user's must not hide a module of ours; files named on the command line stay relative to it.
    os.execve(python, [python, "-P", "-m", "commands.cli", *argv], os.environ | {"PYTHONPATH": str(installation.ROOT)})
