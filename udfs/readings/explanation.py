"""Explains the score of a reading: what each measurement, alarm bit and contradiction added to it.

Plain Python for one reading at a time, because only readings that raise an alert are explained. The formulas repeat those of
`udfs.readings.scoring`; a property test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from udfs.readings import scoring as s
from udfs.readings import thresholds as t
from udfs.readings.plausibility import TEMPERATURES


class Contribution(NamedTuple):
    """One reason for a score: a measurement `value` beyond `limit` (both in `unit`) adds `points`; an alarm bit has no limit.

    `basis` is `floor` if the hazard alone stands for at least that risk, else the part of base_risk that it adds to.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    points: float
    basis: str

    @property
    def is_alarm(self) -> bool:
        """Whether an alarm bit of the device is the reason, not a measurement; the two may have the same name."""
        return self.limit is None

    @property
    def alert_type(self) -> str | None:
        """The alert type of the hazard to which the measurement or alarm bit belongs; None if it belongs to none."""
        return (s.TYPE_OF_ALARM if self.is_alarm else s.TYPE_OF_MEASUREMENT).get(self.name)

    @property
    def hazard(self) -> str | None:
        """The alert type, if the reason is a hazard of its own; a temperature without a floor only adds to the score."""
        return None if self.alert_type == s.TEMPERATURE and self.basis != "floor" else self.alert_type


def explain(reading: Mapping[str, Any], limits: t.Limits = t.LIMITS, alert_type: str = s.NO_HAZARD) -> list[Contribution]:
    """Returns all contributions to a reading's score, each measurement and alarm bit once with its most points.

    Those of the hazard `alert_type` come first, then every further hazard, then the rest, each the largest first and measurements
    before alarm bits. `limits` are those of the profile that the reading was scored with.
    """
    largest: dict[tuple[str, bool], Contribution] = {}
    for each in sorted([*floors(reading, limits), *parts(reading, limits)], key=lambda each: -each.points):
        largest.setdefault((each.name, each.is_alarm), each)
    return sorted(largest.values(), key=lambda each: (each.alert_type != alert_type, each.hazard is None, -each.points,
                                                      each.is_alarm, each.name))


def floors(reading: Mapping[str, Any], limits: t.Limits = t.LIMITS) -> Iterator[Contribution]:
    """Yields the hazards that each stand for a risk on their own; a measurement may appear twice."""
    name, temperature = _temperature(reading)
    yield from _over(name, temperature, "°C", t.BURNING_C, t.CRITICAL, "floor")
    yield from _over(name, temperature, "°C", t.HOT_C, t.HIGH, "floor")
    co, voc = _get(reading, "co_gas"), _get(reading, "voc")
    if co >= t.CO_ALARM_PPM:
        yield Contribution("co_gas", co, "ppm", t.CO_ALARM_PPM, t.CRITICAL, "floor")
    if co > t.CO_WITH_VOC_PPM and voc > t.VOC_WITH_CO:
        yield Contribution("co_gas", co, "ppm", t.CO_WITH_VOC_PPM, t.CRITICAL, "floor")
        yield Contribution("voc", voc, "µg/m³", t.VOC_WITH_CO, t.CRITICAL, "floor")
    for leak in ("leakage_current", "resistive_leakage"):
        for limit, risk in ((t.LEAKAGE_FIRE_MA, t.CRITICAL), (t.LEAKAGE_PERSON_MA, t.HIGH)):
            if _get(reading, leak) >= limit:
                yield Contribution(leak, reading[leak], "mA", limit, risk, "floor")
    yield from _over("arc_count", _get(reading, "arc_count"), "", t.MANY_ARCS, t.HIGH, "floor")
    yield from _over("voltage", _get(reading, "voltage"), "V", limits["voltage_hazard"], t.HIGH, "floor")
    yield from _alarm_floors(s.alarms_of(_status(reading)))


def _alarm_floors(alarms: int) -> Iterator[Contribution]:
    yield from _over("total_alarm_count", alarms.bit_count(), "", t.MANY_ALARMS, t.CRITICAL, "floor")
    for name, risk in t.ALARM_FLOORS.items():
        if alarms & s.BIT[name]:
            yield Contribution(name, 1, "", None, risk, "floor")


def parts(reading: Mapping[str, Any], limits: t.Limits = t.LIMITS) -> Iterator[Contribution]:
    """Yields what adds up to base_risk, with weighted points, before each part is capped at 1."""
    for basis, contributions in (("rule", _rules(reading, limits)), ("status", _alarms(_status(reading))),
                                 ("pattern", _contradictions(reading))):
        weight = t.BASE_WEIGHTS[f"{basis}_risk"]
        for each in contributions:
            yield each._replace(points=round(each.points * weight, t.DECIMALS), basis=basis)


def _rules(reading: Mapping[str, Any], limits: t.Limits) -> Iterator[Contribution]:
    name, temperature = _temperature(reading)
    yield from _first_step(name, temperature, "°C", t.HEAT_POINTS)
    yield from _voltage(reading, limits)
    yield from _over("current", _get(reading, "current"), "A", limits["current_high"], t.RULE_POINTS["current"])
    leak = max(("leakage_current", "resistive_leakage"), key=lambda each: _get(reading, each))
    yield from _over(leak, _get(reading, leak), "mA", limits["leakage_warn"], t.RULE_POINTS["leakage"])
    arcs = max(_get(reading, "arc_count"), 0)
    yield from _over("arc_count", arcs, "", 0, min(t.MOST_ARC_POINTS, t.ARC_POINTS * arcs))
    yield from _over("co_gas", _get(reading, "co_gas"), "ppm", limits["co_warn"], t.RULE_POINTS["co_gas"])
    yield from _over("voc", _get(reading, "voc"), "µg/m³", limits["voc_warn"], t.RULE_POINTS["voc"])
    factor = reading.get("power_factor")
    if factor is not None and factor < limits["power_factor_low"]:
        yield Contribution("power_factor", factor, "", limits["power_factor_low"], t.RULE_POINTS["power_factor"], "")


def _voltage(reading: Mapping[str, Any], limits: t.Limits) -> Iterator[Contribution]:
    high, low, lowest = limits["voltage_high"], limits["voltage_low"], reading.get("voltage_low")
    if _get(reading, "voltage") > high:
        yield Contribution("voltage", reading["voltage"], "V", high, t.RULE_POINTS["voltage"], "")
    elif lowest is not None and lowest < low:
        yield Contribution("voltage_low", lowest, "V", low, t.RULE_POINTS["voltage"], "")


def _alarms(status: int) -> Iterator[Contribution]:
    if status >= s.COMMUNICATION_ERROR:
        yield Contribution("communication_error", 1, "", None, t.COMMUNICATION_ERROR_RISK, "")
        return
    alarms = s.alarms_of(status)
    for name, weight in zip(s.ALARM_BITS, t.ALARM_WEIGHTS, strict=True):
        if alarms & s.BIT[name]:
            yield Contribution(name, 1, "", None, weight, "")
    count = alarms.bit_count()
    crowd = t.CROWDED_ALARM_POINTS * (count - t.CROWDED_ALARMS)
    yield from _over("total_alarm_count", count, "", t.CROWDED_ALARMS, crowd)


def _contradictions(reading: Mapping[str, Any]) -> Iterator[Contribution]:
    pcb, sensor = reading.get("pcb_temperature"), reading.get("sensor_temperature")
    if pcb is not None and sensor is not None:
        difference = round(abs(pcb - sensor), t.DECIMALS)
        yield from _first_step("temperature_imbalance", difference, "°C", t.IMBALANCE_POINTS)
    voltage, current, factor, power = (reading.get(name) for name in ("voltage", "current", "power_factor", "power"))
    if voltage is None or current is None:
        return
    if factor is not None and power is not None:
        watts = voltage * current * factor
        mismatch, allowed = abs(watts - 1000 * power), t.POWER_MISMATCH_SHARE * watts
        yield from _over("power_mismatch", mismatch, "W", allowed, t.CONTRADICTION_POINTS)
    if current > t.LOADED_A:
        yield from _resistance(voltage / current)


def _resistance(ohms: float) -> Iterator[Contribution]:
    lowest, highest = t.RESISTANCE_OHM
    if not lowest <= ohms <= highest:
        limit = lowest if ohms < lowest else highest
        yield Contribution("resistance", ohms, "Ω", limit, t.CONTRADICTION_POINTS, "")


def _first_step(name: str, value: float, unit: str, steps: t.Steps) -> Iterator[Contribution]:
    for limit, points in steps:
        if value > limit:
            yield Contribution(name, value, unit, limit, points, "")
            return


def _over(name: str, value: float, unit: str, limit: float, points: float, basis: str = "") -> Iterator[Contribution]:
    if value > limit:
        yield Contribution(name, value, unit, limit, points, basis)


def _temperature(reading: Mapping[str, Any]) -> tuple[str, float]:
    name = max(TEMPERATURES, key=lambda each: _get(reading, each))
    return name, _get(reading, name)


def _get(reading: Mapping[str, Any], name: str) -> float:
    """Returns a measurement, or minus infinity, which is below every limit, if it was not measured."""
    value = reading.get(name)
    return float("-inf") if value is None else value


def _status(reading: Mapping[str, Any]) -> int:
    return reading.get("status_bits") or 0
