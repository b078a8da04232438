"""Why an alert stands: the measure of the window that made it, then what its measurements added to the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from udfs.alerts.candidates import LEAST_RISK
from udfs.readings import explanation
from udfs.readings import scoring as s
from udfs.readings.explanation import Contribution
from udfs.registry import profiles

if TYPE_CHECKING:
    from udfs.alerts.state import Alert

HIGH_DEVICES = "devices_high"
REACHED = frozenset({"temperature_rise", "avg_co_10min", "avg_co_60min", HIGH_DEVICES, "silence", "risk_score"})
"""Measures that count when they reach their limit; every other must pass it."""

Measures = Iterator[tuple[str, float | None, str, float]]
"""Name, value (None where the window did not say), unit and limit."""


def explain(alert: Alert) -> list[Contribution]:
    """All contributions, never none: first the measures beyond their limits, which stand for the whole risk of the alert."""
    measures = [Contribution(name, value, unit, limit, alert.risk_score, alert.cause)
                for name, value, unit, limit in _measures(alert)
                if value is not None and _counts(name, value, limit)]
    named = {each.name for each in measures}
    parts = explanation.explain(alert.evidence, profiles.read(alert.limits))
    found = [*measures, *(each for each in parts if each.name not in named)]
    return found or [Contribution("risk_score", alert.risk_score, "", LEAST_RISK[alert.level], alert.risk_score, alert.cause)]


def _measures(alert: Alert) -> Measures:
    of_cause = MEASURES.get(alert.cause)
    return of_cause(alert.evidence, alert.level) if of_cause else iter(())


def _counts(name: str, value: float, limit: float) -> bool:
    return value >= limit if name in REACHED else value > limit


def _context(found: Mapping[str, Any], _: str) -> Measures:
    yield "risk_modifier", found["risk_modifier"], "", 1.0


def _rise(found: Mapping[str, Any], _: str) -> Measures:
    yield "temperature_rise", found["temperature_rise"], "°C", s.RISE_C


def _anomaly(found: Mapping[str, Any], level: str) -> Measures:
    limit = s.ANOMALY_CRITICAL_C if level == s.LEVELS[-1] else s.ANOMALY_C
    temperature, mean, stddev = found["max_temperature"], found["mean"], found["stddev"]
    yield "max_temperature", temperature, "°C", limit
    if temperature is not None and mean is not None and stddev is not None:
        yield "above_mean", round(temperature - mean, s.DECIMALS), "°C", round(s.ANOMALY_SIGMAS * stddev, s.DECIMALS)


def _spike(found: Mapping[str, Any], level: str) -> Measures:
    yield "risk_change", found["risk_change"], "", s.SPIKE_CRITICAL if level == s.LEVELS[-1] else s.SPIKE


def _exposure(found: Mapping[str, Any], _: str) -> Measures:
    yield "avg_co_10min", found["avg_co_10min"], "ppm", s.CO_10MIN_PPM
    yield "avg_co_60min", found["avg_co_60min"], "ppm", s.CO_60MIN_PPM


def _arcs(found: Mapping[str, Any], _: str) -> Measures:
    yield "total_arcs_10min", found["total_arcs_10min"], "", s.FREQUENT_ARCS


def _site(found: Mapping[str, Any], _: str) -> Measures:
    yield HIGH_DEVICES, found[HIGH_DEVICES], "", s.SITE_DEVICES


def _silence(_: Mapping[str, Any], __: str) -> Measures:
    yield "silence", s.SILENCE_MINUTES, "min", s.SILENCE_MINUTES


MEASURES: dict[str, Callable[[Mapping[str, Any], str], Measures]] = {
    "device_minutes": _context, "temperature_rises": _rise, "temperature_anomalies": _anomaly, "risk_spikes": _spike,
    "co_exposure": _exposure, "arc_patterns": _arcs, "site_risk": _site, "silences": _silence,
}  # fmt: skip
"""Cause → what its windows are judged by; a reading, and a cause of a later version, has its measurements alone."""
