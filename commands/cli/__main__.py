"""`python -m commands.cli`: what the launcher becomes once everything is installed."""

import sys

from commands.cli import main

sys.exit(main())
