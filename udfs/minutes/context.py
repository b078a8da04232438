"""A device's last hour, minute by minute: its context, and the patterns in it. NumPy on whole batches, no Flink.

A batch holds one window of minutes per row; windows differ in length, so they are laid out as one matrix with NaN where a
window has no more minutes or a minute no measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.readings import scoring as s

Column = NDArray[Any]
Matrix = NDArray[np.float64]


def context(minutes: Sequence[Any], temperatures: Sequence[Any], arcs: Column, mean_indicator: Column, base: Column,
            floor: Column) -> dict[str, Column]:
    """The risk of minutes in the light of the hour that ends with each (semantics, "Scores with context").

    Args:
        minutes: per row the numbers of the hour's minutes with readings, the last one its own.
        temperatures: per row their mean temperatures, °C, None or NaN where not measured.
        arcs: per row the arcs in the hour.
        mean_indicator: per row the mean indicator_risk of the hour's readings.
        base: per row the highest base_risk of the minute's readings.
        floor: per row the highest floor_risk of the minute's readings.

    Returns:
        `temperature_slope` (°C/min, NaN without two temperatures or enough minutes), `risk_modifier`, `risk_score` and
        `risk_level` of each minute.
    """
    enough = np.array([len(window) for window in minutes]) >= s.CONTEXT_LEAST_MINUTES
    slope = np.where(enough, slopes(matrix(minutes), matrix(temperatures)), np.nan)
    raised = (s.CONTEXT_SLOPE_RAISE * (slope > s.CONTEXT_SLOPE_C) + s.CONTEXT_ARCS_RAISE * (arcs > s.CONTEXT_ARCS)
              + s.CONTEXT_INDICATOR_RAISE * (np.round(mean_indicator, s.DECIMALS) > s.CONTEXT_INDICATOR))
    modifier = np.round(np.where(enough, np.minimum(1 + raised, s.CONTEXT_MOST), 1.0), s.DECIMALS)
    risk = np.round(np.maximum(np.minimum(base * modifier, 1.0), floor), s.DECIMALS)
    return {"temperature_slope": slope, "risk_modifier": modifier, "risk_score": risk, "risk_level": s.risk_level(risk)}


def matrix(rows: Sequence[Any]) -> Matrix:
    """Rows of different length side by side, filled up with NaN."""
    filled = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for number, row in enumerate(rows):
        filled[number, : len(row)] = np.asarray(row, dtype=np.float64)
    return filled


def slopes(x: Matrix, y: Matrix) -> Column:
    """Least-squares slope of each row, rounded; NaN where fewer than two points differ in x. Pairs with a NaN are left out."""
    x = np.where(np.isnan(y), np.nan, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx, dy = x - _mean(x), y - _mean(y)
        slope: Column = np.round(np.nansum(dx * dy, axis=1) / _positive(np.nansum(dx * dx, axis=1)), s.DECIMALS)
    return slope


def _mean(rows: Matrix) -> Matrix:
    known = np.sum(~np.isnan(rows), axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Matrix = np.nansum(rows, axis=1, keepdims=True) / known
    return mean


def _positive(column: Column) -> Column:
    return np.where(column > 0, column, np.nan)
