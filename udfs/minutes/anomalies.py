"""Finds sensors that measure what a healthy installation does not, and says what to do about the patterns of an hour."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.readings import thresholds as t

Values = NDArray[np.float64]

POWER = "power_mismatch"
"""The anomaly of a power that is not voltage times current times power factor."""
RANGE, MISMATCH = "RANGE_VIOLATION", "CALCULATION_MISMATCH"
ADVICE = {
    "temperature": ("cool", "cut_off"), "voltage": ("check_supply", "check_neutral"), "current": ("reduce_load", "check_ratings"),
    "leakage_current": ("check_breaker", "check_earthing"), "resistive_leakage": ("check_insulation", "check_breaker"),
    "co_gas": ("ventilate", "find_co_source"), "voc": ("ventilate", "find_leak"), "power_factor": ("check_circuit",),
    POWER: ("check_circuit",), "FREQUENT": ("schedule_maintenance", "check_wiring"), "MODERATE": ("schedule_maintenance",),
    "SPORADIC": ("check_wiring",), "RISING": ("review_hour",),
}  # fmt: skip
"""Anomalous sensor, arc pattern or trend → what to do, names of texts in `contract/alerts.toml`."""


def anomalies(values: Mapping[str, Values]) -> list[dict[str, Any]]:
    """Returns the sensors whose newest measurement is not normal, each with its range, severity and number of such minutes.

    `values` are columns of minutes, oldest first, by the names of `thresholds.NORMAL_RANGES`; and the mean `calculated_watts` and
    `measured_watts` of each minute.
    """
    return [*_out_of_range(values), *_inconsistent(values["calculated_watts"], values["measured_watts"])]


def _out_of_range(values: Mapping[str, Values]) -> Iterator[dict[str, Any]]:
    for sensor, (low, high) in t.NORMAL_RANGES.items():
        measured = values[sensor][~np.isnan(values[sensor])]
        outside = (measured < low) | (measured > high)
        if outside.size and outside[-1]:
            severity = "HIGH" if sensor in t.SEVERE_SENSORS else "MEDIUM"
            yield _anomaly(sensor, RANGE, severity, measured[-1], low, high, outside)


def _inconsistent(calculated: Values, measured: Values) -> Iterator[dict[str, Any]]:
    known = np.isfinite(calculated) & np.isfinite(measured)
    calculated, measured = calculated[known], measured[known]
    allowed = t.POWER_MISMATCH_SHARE * calculated
    with np.errstate(over="ignore"):
        differs = np.round(np.abs(calculated - measured), t.DECIMALS) > np.round(allowed, t.DECIMALS)
    if differs.size and differs[-1]:
        low, high = (float(calculated[-1] + sign * allowed[-1]) for sign in (-1, 1))
        yield _anomaly(POWER, MISMATCH, "MEDIUM", measured[-1], low, high, differs)


def _anomaly(sensor: str, kind: str, severity: str, value: float, low: float, high: float, minutes: Values) -> dict[str, Any]:
    return {"sensor": sensor, "type": kind, "severity": severity, "value": _finite(value), "lowest": _finite(low),
            "highest": _finite(high), "minutes": int(minutes.sum())}


def _finite(value: float) -> float | None:
    return round(float(value), t.DECIMALS) if math.isfinite(value) else None


def written(found: Sequence[Mapping[str, Any]]) -> str:
    """Formats anomalies as JSON text."""
    return json.dumps(found)


def recommendations(sensors: Sequence[str], arc_pattern: str, trend: str, *, is_rapid: bool, is_sustained: bool) -> list[str]:
    """Returns the names of the advice for the patterns of an hour, the most urgent first and without repetitions."""
    first = ["inspect"] * is_sustained + ["find_change"] * is_rapid
    return list(dict.fromkeys([*first, *(name for cause in (*sensors, arc_pattern, trend) for name in ADVICE.get(cause, ()))]))
