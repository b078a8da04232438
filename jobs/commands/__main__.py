"""`python -m jobs.commands`: what the launcher becomes once everything is installed."""

import sys

from jobs.commands import main

sys.exit(main())
