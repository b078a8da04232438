"""Values as they may be written into a SQL statement."""

from __future__ import annotations


def text(value: object) -> str:
    """A setting as it may stand between the quotes of a SQL literal."""
    return str(value).replace("'", "''")
