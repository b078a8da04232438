"""A second, plain implementation of the scoring formulas: one reading at a time, sharing no code with the scoring core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULT = {"voltage_high": 234, "voltage_low": 190, "current_high": 100, "leakage_warn": 8, "co_warn": 17, "voc_warn": 400,
           "power_factor_low": 0.9, "voltage_hazard": 264}
WEIGHTS = [0.1, 0.15, 0.2, 0.25, 0.2, 0.1, 0.3, 0.3, 0.2, 0.15, 0.05, 0.25]


def profile_limits(nominal: float, rated: float, overrides: Mapping[str, float]) -> dict[str, float]:
    """Returns the limits of a profile with these nominal volts and rated amperes."""
    voltages = {"voltage_high": round(nominal * 234 / 220, 6), "voltage_low": round(nominal * 190 / 220, 6),
                "voltage_hazard": round(nominal * 264 / 220, 6)}
    return {**DEFAULT, **voltages, "current_high": rated, **overrides}


def scores(reading: Mapping[str, Any], limits: Mapping[str, float] = DEFAULT) -> dict[str, Any]:
    """Returns all scores of one reading, in which absent measurements are None."""
    status = reading["status_bits"] or 0
    rule, status_risk, pattern = rule_risk(reading, limits), status_risk_of(status), pattern_risk(reading)
    base = round(0.4 * rule + 0.3 * status_risk + 0.3 * pattern, 6)
    floor = floor_risk(reading, limits)
    risk = max(min(1.0, base), floor)
    return {"indicator_risk": indicator_risk(reading, limits), "rule_risk": rule, "status_risk": status_risk,
            "pattern_risk": pattern, "base_risk": base, "floor_risk": floor, "risk_score": risk, "risk_level": level(risk),
            "confidence": min(max(1 - 0.5 * abs(rule - status_risk), 0.5), 1.0), "alert_type": alert_type(reading, limits)}


def above(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def temperature(reading: Mapping[str, Any]) -> float | None:
    measured = [t for t in (reading["pcb_temperature"], reading["sensor_temperature"]) if t is not None]
    return max(measured) if measured else None


def bits(status: int) -> list[bool]:
    return [status < 8192 and bool(status >> bit & 1) for bit in range(12)]


def indicator_risk(reading: Mapping[str, Any], limits: Mapping[str, float]) -> float:
    t, alarms = temperature(reading), bits(reading["status_bits"] or 0)
    heat = 0.0 if t is None else 1.0 if t > 60 else 0.7 if t > 50 else 0.4 if t > 40 else 0.1
    electrical = 0.15 * alarms[0] + 0.2 * alarms[2] + 0.25 * alarms[3] + min(0.3, 0.05 * (reading["arc_count"] or 0))
    gas = 0.2 * above(reading["co_gas"], limits["co_warn"]) + 0.15 * above(reading["voc"], limits["voc_warn"])
    return round(min(1.0, 0.4 * heat + electrical + gas), 6)


def rule_risk(reading: Mapping[str, Any], limits: Mapping[str, float]) -> float:
    t = temperature(reading)
    risk = 0.4 if above(t, 60) else 0.3 if above(t, 50) else 0.1 if above(t, 40) else 0.0
    low = reading["voltage_low"]
    risk += 0.15 * (above(reading["voltage"], limits["voltage_high"]) or (low is not None and low < limits["voltage_low"]))
    risk += 0.2 * above(reading["current"], limits["current_high"])
    risk += 0.25 * leaks(reading, limits)
    risk += min(0.2, 0.02 * (reading["arc_count"] or 0))
    risk += 0.15 * above(reading["co_gas"], limits["co_warn"]) + 0.1 * above(reading["voc"], limits["voc_warn"])
    factor = reading["power_factor"]
    return round(min(1.0, risk + 0.05 * (factor is not None and factor < limits["power_factor_low"])), 6)


def leaks(reading: Mapping[str, Any], limits: Mapping[str, float]) -> bool:
    return any(above(reading[name], limits["leakage_warn"]) for name in ("leakage_current", "resistive_leakage"))


def status_risk_of(status: int) -> float:
    if status >= 4096:
        return 0.8
    alarms = bits(status)
    risk = sum(weight for weight, on in zip(WEIGHTS, alarms, strict=True) if on)
    return round(min(1.0, risk + 0.1 * max(0, sum(alarms) - 2)), 6)


def pattern_risk(reading: Mapping[str, Any]) -> float:
    pcb, sensor = reading["pcb_temperature"], reading["sensor_temperature"]
    risk = 0.0
    if pcb is not None and sensor is not None:
        difference = round(abs(pcb - sensor), 6)
        risk += 0.15 if difference > 20 else 0.05 if difference > 10 else 0.0
    volt, amp, factor, kilowatt = (reading[name] for name in ("voltage", "current", "power_factor", "power"))
    if None not in (volt, amp, factor, kilowatt):
        watts = volt * amp * factor
        risk += 0.1 * (abs(watts - 1000 * kilowatt) > 0.2 * watts)
    if volt is not None and above(amp, 0.1):
        risk += 0.1 * (not 1 <= volt / amp <= 1000)
    return round(risk, 6)


def floors(reading: Mapping[str, Any], limits: Mapping[str, float]) -> dict[str, float]:
    """Returns the floor of each hazard, in their order; 0 if it has none."""
    t, co, leak = temperature(reading), reading["co_gas"], largest_leak(reading)
    (overvoltage, outage, overcurrent, total, resistive, _, pcb, sensor, co_alarm, voc_alarm, _, arc) = bits(
        reading["status_bits"] or 0)
    toxic = (co is not None and co >= 300) or (above(co, 25) and above(reading["voc"], 600))
    return {
        "TEMPERATURE_CRITICAL": 0.8 if above(t, 65) else 0.6 if above(t, 60) or pcb or sensor else 0.0,
        "ARC_DETECTED": 0.6 if above(reading["arc_count"], 5) or arc else 0.0,
        "ELECTRICAL_LEAKAGE": 0.8 if leak >= 300 else 0.6 if leak >= 30 else 0.4 if total or resistive else 0.0,
        "GAS_DETECTION": 0.8 if toxic else 0.6 if co_alarm else 0.4 if voc_alarm else 0.0,
        "OVERVOLTAGE": 0.6 if above(reading["voltage"], limits["voltage_hazard"]) else 0.4 if overvoltage else 0.0,
        "OVERCURRENT": 0.4 if overcurrent else 0.0,
        "POWER_OUTAGE": 0.4 if outage else 0.0,
    }  # fmt: skip


def floor_risk(reading: Mapping[str, Any], limits: Mapping[str, float]) -> float:
    many = sum(bits(reading["status_bits"] or 0)) > 4
    return max([0.8 if many else 0.0, *floors(reading, limits).values()])


def largest_leak(reading: Mapping[str, Any]) -> float:
    return max((value for value in (reading["leakage_current"], reading["resistive_leakage"]) if value is not None), default=-1.0)


def level(risk: float) -> str:
    for cut, name in ((0.8, "CRITICAL"), (0.6, "HIGH"), (0.4, "MEDIUM"), (0.2, "LOW")):
        if round(risk, 6) >= cut:
            return name
    return "NORMAL"


def alert_type(reading: Mapping[str, Any], limits: Mapping[str, float]) -> str:
    of_hazards = floors(reading, limits)
    highest = max(of_hazards.values())
    if highest > 0:
        return next(name for name, floor in of_hazards.items() if floor == highest)
    if above(reading["arc_count"], 0):
        return "ARC_DETECTED"
    if leaks(reading, limits):
        return "ELECTRICAL_LEAKAGE"
    if above(reading["co_gas"], limits["co_warn"]) or above(reading["voc"], limits["voc_warn"]):
        return "GAS_DETECTION"
    if above(reading["voltage"], limits["voltage_high"]):
        return "OVERVOLTAGE"
    return "OVERCURRENT" if above(reading["current"], limits["current_high"]) else "GENERAL_RISK"
