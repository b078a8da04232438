"""Computes the risk of minutes in the context of the hour that ends with each, for whole batches and without Flink.

A batch has one window of minutes per row. Windows differ in length, so they form one matrix with NaN after a window's last
minute and for a minute without a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.readings import thresholds as t
from udfs.readings.scoring import risk_level

Column = NDArray[Any]
Matrix = NDArray[np.float64]


def context(minutes: Sequence[Any], temperatures: Sequence[Any], arcs: Column, mean_indicator: Column, base: Column,
            floor: Column) -> dict[str, Column]:
    """Computes the risk of minutes in the context of the hour that ends with each (semantics, "Scores with context").

    Args:
        minutes: for each row, the numbers of the hour's minutes with readings; the last one is the row's own.
        temperatures: for each row, the mean temperatures of these minutes, °C, None or NaN if not measured.
        arcs: for each row, the arcs in the hour.
        mean_indicator: for each row, the mean indicator_risk of the hour's readings.
        base: for each row, the highest base_risk of the minute's readings.
        floor: for each row, the highest floor_risk of the minute's readings.

    Returns:
        `temperature_slope` (°C/min, NaN with fewer than two temperatures or too few minutes), `risk_modifier`, `risk_score`
        and `risk_level` of each minute.
    """
    enough = np.array([len(window) for window in minutes]) >= t.CONTEXT_LEAST_MINUTES
    slope = np.where(enough, slopes(matrix(minutes), matrix(temperatures)), np.nan)
    raised = (t.CONTEXT_SLOPE_RAISE * (slope > t.CONTEXT_SLOPE_C) + t.CONTEXT_ARCS_RAISE * (arcs > t.CONTEXT_ARCS)
              + t.CONTEXT_INDICATOR_RAISE * (np.round(mean_indicator, t.DECIMALS) > t.CONTEXT_INDICATOR))
    modifier = np.round(np.where(enough, np.minimum(1 + raised, t.CONTEXT_MOST), 1.0), t.DECIMALS)
    risk = np.round(np.maximum(np.minimum(base * modifier, 1.0), floor), t.DECIMALS)
    return {"temperature_slope": slope, "risk_modifier": modifier, "risk_score": risk, "risk_level": risk_level(risk)}


def matrix(rows: Sequence[Any]) -> Matrix:
    """Returns rows of different length as one matrix, padded with NaN."""
    filled = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for number, row in enumerate(rows):
        filled[number, : len(row)] = np.asarray(row, dtype=np.float64)
    return filled


def slopes(x: Matrix, y: Matrix) -> Column:
    """Returns the least-squares slope of each row, rounded, without pairs that contain NaN; NaN unless two points differ in x."""
    x = np.where(np.isnan(y), np.nan, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx, dy = x - _mean(x), y - _mean(y)
        slope: Column = np.round(np.nansum(dx * dy, axis=1) / _positive(np.nansum(dx * dx, axis=1)), t.DECIMALS)
    return slope


def _mean(rows: Matrix) -> Matrix:
    count = np.sum(~np.isnan(rows), axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Matrix = np.nansum(rows, axis=1, keepdims=True) / count
    return mean


def _positive(column: Column) -> Column:
    return np.where(column > 0, column, np.nan)
