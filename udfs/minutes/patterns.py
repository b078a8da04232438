"""Finds the patterns in a device's hour: trends, periodicity, volatility, arcs, sensors outside their normal ranges.

Formulas follow semantics, "device_patterns". Windows are processed one at a time, because a device has one every five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.minutes.anomalies import anomalies, recommendations, written
from udfs.minutes.context import matrix, slopes
from udfs.readings import event_time
from udfs.readings import thresholds as t

Values = NDArray[np.float64]
MINUTE_MS = 60_000


def patterns(minutes: Sequence[int], columns: Mapping[str, Sequence[float | None]]) -> dict[str, Any]:
    """Computes the patterns of one window of minutes, by the names of columns of `device_patterns`.

    Args:
        minutes: the numbers of the minutes, in any order; at least `thresholds.PATTERN_LEAST_MINUTES` of them.
        columns: one value per minute of `temperature` (mean, °C), `risk`, `arcs`, and of the means of `voltage`, `current`,
            `co_gas`, `voc`, `power_factor`, `leakage_current`, `resistive_leakage`, `calculated_watts` and `measured_watts`; None
            if not measured.
    """
    order = np.argsort(np.asarray(minutes))
    time = np.asarray(minutes, dtype=np.float64)[order]
    values = {name: np.asarray(column, dtype=np.float64)[order] for name, column in columns.items()}
    temperature, risk = values["temperature"], values["risk"]
    arcs, trends, found = arc_pattern(values["arcs"]), trend(time, temperature), anomalies(values)
    sensors = [each["sensor"] for each in found]
    return {
        "temperature_slope": slope(time, temperature), "temperature_change": mean_change(time, temperature),
        "risk_slope": slope(time, risk), "arc_pattern": arcs, "arc_frequency": arc_frequency(values["arcs"]),
        **period(temperature), "risk_volatility": volatility(risk),
        "is_rapid_risk_change": is_rapid(risk), **rapid_change(time, risk),
        "is_sustained_high_risk": is_sustained(risk), "high_risk_minutes": streak(risk),
        "sensor_anomalies": sensors, "anomalies": written(found), "anomaly_count": len(found), **trends,
        "recommendations": recommendations(sensors, arcs, trends["trend"], is_rapid=is_rapid(risk),
                                           is_sustained=is_sustained(risk)),
    }  # fmt: skip


def slope(time: Values, values: Values) -> float | None:
    """Returns the least-squares slope per minute; None with fewer than two measurements."""
    return _rounded(slopes(matrix([time]), matrix([values]))[0])


def mean_change(time: Values, values: Values) -> float | None:
    """Returns the mean change per minute between consecutive measurements; None with fewer than two."""
    measured = ~np.isnan(values)
    if measured.sum() < 2:
        return None
    return _rounded(np.mean(np.diff(values[measured]) / np.diff(time[measured])))


def arc_pattern(arcs: Values) -> str:
    """Returns FREQUENT, MODERATE, SPORADIC or NO_ARCS, by the share of minutes with arcs."""
    share = arc_frequency(arcs)
    for limit, name in t.ARC_SHARES:
        if share > limit:
            return name
    return "NO_ARCS"


def arc_frequency(arcs: Values) -> float:
    """Returns the share of minutes with arcs."""
    return round(float(np.mean(np.nan_to_num(arcs) > 0)), t.DECIMALS)


def period(values: Values) -> dict[str, float | None]:
    """Returns `dominant_period_minutes`, and as `periodicity_minutes` the same if its peak is high enough, else None.

    High enough is above a multiple of the spectrum's mean. Both are None with too few measurements, or with equal ones.
    """
    measured = values[~np.isnan(values)]
    if len(measured) < t.PATTERN_LEAST_MINUTES or np.ptp(measured) == 0:
        return {"periodicity_minutes": None, "dominant_period_minutes": None}
    magnitudes = np.abs(np.fft.fft(measured))
    dominant = int(np.argmax(magnitudes[1:])) + 1
    least = t.PERIODIC_FACTOR * float(np.mean(magnitudes))
    minutes = _rounded(1 / abs(np.fft.fftfreq(len(measured))[dominant]))
    is_periodic = round(float(magnitudes[dominant]), t.DECIMALS) > round(least, t.DECIMALS)
    return {"periodicity_minutes": minutes if is_periodic else None, "dominant_period_minutes": minutes}


def volatility(risk: Values) -> float:
    """Returns the population standard deviation of the minutes' risk."""
    return round(float(np.std(risk)), t.DECIMALS)


def is_rapid(risk: Values) -> bool:
    """Checks whether risk changed by more than a spike between two minutes."""
    return bool(np.any(np.round(np.abs(np.diff(risk)), t.DECIMALS) > t.SPIKE))


def rapid_change(time: Values, risk: Values) -> dict[str, Any]:
    """Returns the largest rapid change of risk and the end of the minute that it led to; None without one.

    Of equal changes the newest counts.
    """
    changes = np.round(np.diff(risk), t.DECIMALS)
    if not is_rapid(risk):
        return {"rapid_risk_change": None, "rapid_risk_change_at": None}
    newest = len(changes) - 1 - int(np.argmax(np.abs(changes[::-1])))
    end = event_time.to_iso(np.array([int(time[newest + 1]) * MINUTE_MS]))[0]
    return {"rapid_risk_change": float(changes[newest]), "rapid_risk_change_at": end}


def streak(risk: Values) -> int:
    """Returns how many of the newest minutes in a row had high risk."""
    quiet = np.flatnonzero(~(risk > t.CLUSTER_RISK))
    return len(risk) - 1 - int(quiet[-1]) if quiet.size else len(risk)


def is_sustained(risk: Values) -> bool:
    """Checks whether each of the newest minutes had high risk."""
    return len(risk) >= t.SUSTAINED_MINUTES and bool(np.all(risk[-t.SUSTAINED_MINUTES:] > t.CLUSTER_RISK))


def trend(time: Values, temperature: Values) -> dict[str, Any]:
    """Returns `trend` (RISING, FALLING or STABLE by the temperature's slope) and `confidence` (R² of the fit, 0 without one)."""
    rise = slope(time, temperature)
    if rise is None:
        return {"trend": "STABLE", "confidence": 0.0}
    name = "RISING" if rise > t.CONTEXT_SLOPE_C else "FALLING" if rise < -t.CONTEXT_SLOPE_C else "STABLE"
    return {"trend": name, "confidence": r_squared(time, temperature)}


def r_squared(time: Values, values: Values) -> float:
    """Returns the share of the variance that a straight line explains; 0 if the values do not vary."""
    measured = ~np.isnan(values)
    if measured.sum() < 2 or np.ptp(values[measured]) == 0:
        return 0.0
    return round(float(np.corrcoef(time[measured], values[measured])[0, 1] ** 2), t.DECIMALS)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), t.DECIMALS)
