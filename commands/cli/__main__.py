"""`python -m commands.cli`: runs one command in the venv, after the launcher has installed what it needs."""

import sys

from commands.cli import main

sys.exit(main())
