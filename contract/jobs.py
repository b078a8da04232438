"""The Flink jobs of the system, by the names that people type."""

from __future__ import annotations

JOBS = ("detect", "alert", "store")
"""Jobs that always run, and that `./fire submit` submits when none is named."""
OPTIONAL = ("archive",)
"""Jobs that run only where they are configured: the archive needs `FIRE_ARCHIVE`."""
