"""Summarises a device's minute series as a table with one row per quarter of an hour, an alternative to the charts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from contract.declared import CONTRACT

MEASURED = tuple(each.chart for each in CONTRACT.charted if each.type == "number")
COUNTED = tuple(each.chart for each in CONTRACT.charted if each.type == "whole")
QUARTER_MINUTES = 15


def quarters(series: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Returns the highest measurements and the totals of counts per quarter of an hour, newest first.

    Args:
        series: `minutes` (ISO-8601 UTC) and a column of the same length for each measurement, None if not measured.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, minute in enumerate(series["minutes"]):
        groups[_quarter(minute)].append(index)
    rows = ({"start": start} | {name: _total(series[name], group) for name in COUNTED}
            | {name: _highest(series[name], group) for name in MEASURED} for start, group in groups.items())
    return sorted((row for row in rows if any(row[name] is not None for name in (*MEASURED, *COUNTED))),
                  key=lambda row: row["start"], reverse=True)


def _quarter(minute: str) -> str:
    whole = int(minute[14:16]) // QUARTER_MINUTES * QUARTER_MINUTES
    return f"{minute[:14]}{whole:02d}:00.000Z"


def _highest(column: Sequence[float | None], indices: Sequence[int]) -> float | None:
    return max((value for index in indices if (value := column[index]) is not None), default=None)


def _total(column: Sequence[float | None], indices: Sequence[int]) -> float | None:
    measured = [value for index in indices if (value := column[index]) is not None]
    return sum(measured) if measured else None
