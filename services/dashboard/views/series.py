"""A device's day as a table that people can read: a row per quarter of an hour, beside the charts of its minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from contract.model import CONTRACT

MEASURED = tuple(each.chart for each in CONTRACT.charted if each.type == "number")
COUNTED = tuple(each.chart for each in CONTRACT.charted if each.type == "whole")
QUARTER_MINUTES = 15


def quarters(series: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Highest measurements and sums of counts per quarter of an hour, newest first.

    Args:
        series: `minutes` (ISO-8601 UTC) and a column of the same length for each measurement; None where not measured.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, minute in enumerate(series["minutes"]):
        places[_quarter(minute)].append(place)
    rows = ({"start": start} | {name: _total(series[name], group) for name in COUNTED}
            | {name: _highest(series[name], group) for name in MEASURED} for start, group in places.items())
    return sorted((row for row in rows if any(row[name] is not None for name in (*MEASURED, *COUNTED))),
                  key=lambda row: row["start"], reverse=True)


def _quarter(minute: str) -> str:
    whole = int(minute[14:16]) // QUARTER_MINUTES * QUARTER_MINUTES
    return f"{minute[:14]}{whole:02d}:00.000Z"


def _highest(column: Sequence[float | None], places: Sequence[int]) -> float | None:
    return max((value for place in places if (value := column[place]) is not None), default=None)


def _total(column: Sequence[float | None], places: Sequence[int]) -> float | None:
    known = [value for place in places if (value := column[place]) is not None]
    return sum(known) if known else None
