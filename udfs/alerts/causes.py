"""Explains an alert: the measure of the window that caused it, then what each measurement added to the score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from contract.declared import CONTRACT
from udfs.readings import explanation, plausibility
from udfs.readings import thresholds as t
from udfs.readings.explanation import Contribution
from udfs.readings.scoring import LEVELS
from udfs.registry import profiles
from udfs.texts.alert_texts import texts_of

if TYPE_CHECKING:
    from udfs.alerts.state import Alert

UNITS = {each.name: each.unit for each in CONTRACT.measurements}
HIGH_DEVICES, SILENT_DEVICES = "devices_high", "devices_silent"
OF_DEVICES = frozenset({HIGH_DEVICES, SILENT_DEVICES})
"""Measures that count devices of a site."""
REACHED = frozenset({"temperature_rise", "avg_co_10min", "avg_co_60min", *OF_DEVICES, "silence", "risk_score"})
"""Measures that count when they reach their limit; every other must exceed it."""

Measures = Iterator[tuple[str, float | None, str, float]]
"""Name, value (None if not measured), unit and limit."""


def explain(alert: Alert, alert_type: str) -> list[Contribution]:
    """Returns at least one contribution to an alert: first its measures beyond their limits, each with the alert's whole risk.

    The measurements of its own hazard follow, then those of every further hazard.
    """
    measures = [Contribution(name, value, unit, limit, alert.risk_score, alert.cause)
                for name, value, unit, limit in _measures(alert)
                if value is not None and _counts(name, value, limit)]
    measures += _faulty(alert)
    named = {each.name for each in measures}
    parts = explanation.explain(alert.evidence, profiles.read(alert.limits), hazard_of(alert_type))
    contributions = [*measures, *(each for each in parts if each.name not in named)]
    return contributions or [Contribution("risk_score", alert.risk_score, "", t.LEAST_RISK[alert.level], alert.risk_score,
                                          alert.cause)]


def hazard_of(alert_type: str) -> str:
    """Returns the alert type of the hazard to which an alert belongs: its own, or the one that the type of a window names."""
    return texts_of(alert_type).hazard or alert_type


def _measures(alert: Alert) -> Measures:
    measures = MEASURES.get(alert.cause)
    return measures(alert.evidence, alert.level) if measures else iter(())


def _counts(name: str, value: float, limit: float) -> bool:
    return value >= limit if name in REACHED else value > limit


def _context(evidence: Mapping[str, Any], _: str) -> Measures:
    yield "risk_modifier", evidence["risk_modifier"], "", 1.0


def _rise(evidence: Mapping[str, Any], _: str) -> Measures:
    yield "temperature_rise", evidence["temperature_rise"], "°C", t.RISE_C


def _early(evidence: Mapping[str, Any], _: str) -> Measures:
    yield "temperature_rise", evidence["temperature_rise"], "°C", t.EARLY_C


def _anomaly(evidence: Mapping[str, Any], level: str) -> Measures:
    limit = t.ANOMALY_CRITICAL_C if level == LEVELS[-1] else t.ANOMALY_C
    temperature, mean, stddev = evidence["max_temperature"], evidence["mean"], evidence["stddev"]
    yield "max_temperature", temperature, "°C", limit
    if temperature is not None and mean is not None and stddev is not None:
        yield "above_mean", round(temperature - mean, t.DECIMALS), "°C", round(t.ANOMALY_SIGMAS * stddev, t.DECIMALS)


def _spike(evidence: Mapping[str, Any], level: str) -> Measures:
    yield "risk_change", evidence["risk_change"], "", t.SPIKE_CRITICAL if level == LEVELS[-1] else t.SPIKE


def _exposure(evidence: Mapping[str, Any], _: str) -> Measures:
    yield "avg_co_10min", evidence["avg_co_10min"], "ppm", t.CO_10MIN_PPM
    yield "avg_co_60min", evidence["avg_co_60min"], "ppm", t.CO_60MIN_PPM


def _arcs(evidence: Mapping[str, Any], _: str) -> Measures:
    yield "total_arcs_10min", evidence["total_arcs_10min"], "", t.FREQUENT_ARCS


def _site(evidence: Mapping[str, Any], _: str) -> Measures:
    yield HIGH_DEVICES, evidence[HIGH_DEVICES], "", t.SITE_DEVICES


def _lasting(evidence: Mapping[str, Any], _: str) -> Measures:
    rated = evidence["rated_current"] or t.CURRENT_HIGH_A
    yield "avg_current", evidence["avg_current"], "A", round(t.TRIP_SHARE * rated, t.DECIMALS)
    yield "avg_current_60min", evidence["avg_current_60min"], "A", round(t.NO_TRIP_SHARE * rated, t.DECIMALS)


def _faulty(alert: Alert) -> Iterator[Contribution]:
    """Yields what a faulty sensor says, with the bound of its range that it breaks."""
    if alert.sensor_fault:
        name, _, text = alert.sensor_fault.partition(" ")
        bound = plausibility.broken_bound(name, float(text))
        yield Contribution(name, float(text), UNITS.get(name, ""), bound, alert.risk_score, alert.cause)


def _silence(evidence: Mapping[str, Any], _: str) -> Measures:
    yield SILENT_DEVICES, evidence.get(SILENT_DEVICES), "", t.SILENT_DEVICES
    yield "silence", t.SILENCE_MINUTES, "min", t.SILENCE_MINUTES


def _clock(evidence: Mapping[str, Any], _: str) -> Measures:
    offset = evidence["min_clock_offset"] or 0.0
    yield "clock_behind", offset, "s", t.CLOCK_WRONG_S
    yield "clock_ahead", -offset, "s", t.CLOCK_WRONG_S


MEASURES: dict[str, Callable[[Mapping[str, Any], str], Measures]] = {
    "device_minutes": _context, "temperature_rises": _rise, "early_heat": _early, "temperature_anomalies": _anomaly,
    "risk_spikes": _spike, "co_exposure": _exposure, "lasting_hazards": _lasting, "arc_patterns": _arcs, "site_risk": _site,
    "silences": _silence, "clock_minutes": _clock,
}  # fmt: skip
"""Cause → the measures of its windows; a reading, and a cause that this version does not know, has only its measurements."""
