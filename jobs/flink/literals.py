"""Formats values for SQL statements."""

from __future__ import annotations


def literal(value: object) -> str:
    """Escapes a value for use between the quotes of a SQL literal."""
    return str(value).replace("'", "''")


def number(value: float) -> str:
    """Formats a number as a SQL literal of type INT or DOUBLE, never DECIMAL."""
    return str(value) if isinstance(value, int) else f"{value!r}e0"
