"""The names of the Flink jobs, as people type them."""

from __future__ import annotations

JOBS = ("detect", "alert", "store")
"""Jobs that always run, and that `./fire submit` submits if no job is named."""
OPTIONAL = ("archive",)
"""Jobs that run only if they are configured: the archive needs `FIRE_ARCHIVE`."""
