"""The patterns in a device's hour: trends, periodicity, volatility, arcs, sensors outside their normal ranges.

Formulas of the contract (semantics, "device_patterns"); one window at a time, because a device has one every five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.minutes.context import matrix, slopes
from udfs.readings import scoring as s
from udfs.readings import thresholds

Values = NDArray[np.float64]


def patterns(minutes: Sequence[int], columns: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """What one window of minutes shows.

    Args:
        minutes: their numbers, in any order; at least `scoring.PATTERN_LEAST_MINUTES`.
        columns: per minute `temperature` (mean, °C), `risk`, `arcs`, and `voltage`, `current`, `co_gas`, `voc`,
            `power_factor` (means); None where not measured.
    """
    order = np.argsort(np.asarray(minutes))
    time = np.asarray(minutes, dtype=np.float64)[order]
    values = {name: np.asarray(column, dtype=np.float64)[order] for name, column in columns.items()}
    temperature, risk = values["temperature"], values["risk"]
    return {
        "temperature_slope": slope(time, temperature), "temperature_change": mean_change(time, temperature),
        "risk_slope": slope(time, risk), "arc_pattern": arc_pattern(values["arcs"]),
        "periodicity_minutes": period(temperature), "risk_volatility": volatility(risk),
        "is_rapid_risk_change": is_rapid(risk), "is_sustained_high_risk": is_sustained(risk),
        "sensor_anomalies": anomalies(values), **trend(time, temperature),
    }  # fmt: skip


def slope(time: Values, values: Values) -> float | None:
    """Least-squares slope per minute; None without two measurements."""
    return _known(slopes(matrix([time]), matrix([values]))[0])


def mean_change(time: Values, values: Values) -> float | None:
    """Mean difference between one minute and the next, per minute; None without two measurements."""
    known = ~np.isnan(values)
    if known.sum() < 2:
        return None
    return _known(np.mean(np.diff(values[known]) / np.diff(time[known])))


def arc_pattern(arcs: Values) -> str:
    """FREQUENT, MODERATE, SPORADIC or NO_ARCS by the share of minutes with arcs."""
    share = np.mean(np.nan_to_num(arcs) > 0)
    for limit, name in thresholds.ARC_SHARES:
        if share > limit:
            return name
    return "NO_ARCS"


def period(values: Values) -> float | None:
    """The dominant period in minutes, where its magnitude stands out of the spectrum; else None."""
    known = values[~np.isnan(values)]
    if len(known) < thresholds.PATTERN_LEAST_MINUTES:
        return None
    magnitudes = np.abs(np.fft.fft(known))
    dominant = int(np.argmax(magnitudes[1:])) + 1
    least = thresholds.PERIODIC_FACTOR * float(np.mean(magnitudes))
    if round(float(magnitudes[dominant]), s.DECIMALS) <= round(least, s.DECIMALS):
        return None
    return _known(1 / abs(np.fft.fftfreq(len(known))[dominant]))


def volatility(risk: Values) -> float:
    """Population standard deviation of the minutes' risk."""
    return round(float(np.std(risk)), s.DECIMALS)


def is_rapid(risk: Values) -> bool:
    """Whether risk jumped between two minutes."""
    return bool(np.any(np.round(np.abs(np.diff(risk)), s.DECIMALS) > s.SPIKE))


def is_sustained(risk: Values) -> bool:
    """Whether the last minutes all had high risk."""
    return len(risk) >= thresholds.SUSTAINED_MINUTES and bool(np.all(risk[-thresholds.SUSTAINED_MINUTES:] > s.CLUSTER_RISK))


def anomalies(values: Mapping[str, Values]) -> list[str]:
    """The sensors whose newest measurement lies outside its normal range."""
    found = []
    for sensor, (low, high) in thresholds.NORMAL_RANGES.items():
        known = values[sensor][~np.isnan(values[sensor])]
        if len(known) and not low <= known[-1] <= high:
            found.append(sensor)
    return found


def trend(time: Values, temperature: Values) -> dict[str, Any]:
    """RISING, FALLING or STABLE by the temperature's slope, with the fit's R² as confidence; 0 without a fit."""
    rise = slope(time, temperature)
    if rise is None:
        return {"trend": "STABLE", "confidence": 0.0}
    name = "RISING" if rise > s.CONTEXT_SLOPE_C else "FALLING" if rise < -s.CONTEXT_SLOPE_C else "STABLE"
    return {"trend": name, "confidence": r_squared(time, temperature)}


def r_squared(time: Values, values: Values) -> float:
    """The share of the variance that a straight line explains; 0 where nothing varies."""
    known = ~np.isnan(values)
    if known.sum() < 2 or np.ptp(values[known]) == 0:
        return 0.0
    return round(float(np.corrcoef(time[known], values[known])[0, 1] ** 2), s.DECIMALS)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), s.DECIMALS)
