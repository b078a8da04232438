"""The scoring core: the risk of one reading from its own measurements, for whole columns at once.

Formulas follow semantics, "Scores of one reading"; every figure is in `udfs.readings.thresholds`. Columns are NumPy arrays of one
length; NaN means not measured and adds nothing to any score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from contract.declared import CONTRACT
from udfs.readings import thresholds as t

Column = NDArray[Any]
Status = TypeVar("Status", int, NDArray[Any])

ALARM_BITS = tuple(each.name for each in CONTRACT.alarm_bits)
BIT = {name: 1 << position for position, name in enumerate(ALARM_BITS)}
ALARM_MASK = (1 << len(ALARM_BITS)) - 1
COMMUNICATION_ERROR = 1 << CONTRACT.communication_error.bit
WITHOUT_ALARMS = COMMUNICATION_ERROR << 1
"""A status from here on is a communication error and nothing else."""
LEVELS = CONTRACT.levels
RISKY_LEVELS = ("HIGH", "CRITICAL")
"""Levels at which a reading becomes a candidate for an alert."""
ALERT_TYPES = tuple(each.name for each in CONTRACT.alert_types if "readings" in each.causes)
"""The types of alerts that a single reading can raise: one for each sort of hazard, in their order, and one without."""
TEMPERATURE, ARCS, LEAKAGE, GAS, OVERVOLTAGE, OVERCURRENT = ALERT_TYPES[:6]
NO_HAZARD = ALERT_TYPES[-1]
TYPE_OF_MEASUREMENT = {name: each.name for each in CONTRACT.alert_types for name in each.measurements}
TYPE_OF_ALARM = {name: each.name for each in CONTRACT.alert_types for name in each.alarms}
FLOORS = (0.0, t.MEDIUM, t.HIGH, t.CRITICAL)
RANGES = {each.name: each.range for each in CONTRACT.measured if each.range}
"""Physical ranges, bounds included. A reading outside is kept and scored, and `invalid_fields` names the measurement."""


def hazard_rank(alert_type: str, floor: float = 0.0) -> int:
    """Returns the rank of a hazard, the highest for the worst: by its floor, then by the order of the types; 0 is no hazard."""
    return FLOORS.index(floor) * len(ALERT_TYPES) + len(ALERT_TYPES) - 1 - ALERT_TYPES.index(alert_type)


FLOOR_OF_RANK = np.repeat(FLOORS, len(ALERT_TYPES))
TYPE_OF_RANK: Column = np.array(ALERT_TYPES[::-1] * len(FLOORS), dtype=object)


def _status_tables() -> tuple[Column, Column, Column, Column]:
    """Computes status_risk, number, points in electrical_score and worst hazard of each of the 4,096 patterns of alarm bits."""
    bits = (np.arange(ALARM_MASK + 1)[:, None] >> np.arange(len(ALARM_BITS))) & 1
    count = bits.sum(axis=1).astype(np.int32)
    crowd = t.CROWDED_ALARM_POINTS * np.maximum(count - t.CROWDED_ALARMS, 0)
    ranks = [hazard_rank(TYPE_OF_ALARM[name], t.ALARM_FLOORS[name]) if name in t.ALARM_FLOORS else 0 for name in ALARM_BITS]
    electrical = bits @ np.array([t.ELECTRICAL_POINTS.get(name, 0.0) for name in ALARM_BITS])
    return (np.round(np.minimum(bits @ np.array(t.ALARM_WEIGHTS) + crowd, 1.0), t.DECIMALS), count, electrical,
            (bits * ranks).max(axis=1))


STATUS_RISK, ALARM_COUNT, ELECTRICAL_ALARMS, ALARM_RANK = _status_tables()


def score(reading: Mapping[str, Column], limits: t.Limits = t.LIMITS) -> dict[str, Column]:
    """Scores columns of readings.

    Args:
        reading: float columns `voltage`, `voltage_low`, `current`, `power` (kW), `power_factor`, `pcb_temperature`,
            `sensor_temperature` (°C), `leakage_current`, `resistive_leakage` (mA), `co_gas` (ppm), `voc` (µg/m³),
            `arc_count`, NaN where not measured; and `status_bits`, int64, 0 where not reported.
        limits: the limits named in `thresholds.LIMITS`, in the same units; one number each, or a column with each row's own.

    Returns:
        The score columns, rounded to 6 decimals, with `risk_level`, `alert_type` and `communication_error`.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return _score(reading, limits)


def _score(reading: Mapping[str, Column], limits: t.Limits) -> dict[str, Column]:
    status = reading["status_bits"]
    alarms = alarms_of(status)
    temperature = np.fmax(reading["pcb_temperature"], reading["sensor_temperature"])
    rule, pattern = _rule_risk(reading, temperature, limits), _pattern_risk(reading)
    communication_error = status >= COMMUNICATION_ERROR
    status_risk = np.where(communication_error, t.COMMUNICATION_ERROR_RISK, STATUS_RISK[alarms])
    base = _round(t.BASE_WEIGHTS["rule_risk"] * rule + t.BASE_WEIGHTS["status_risk"] * status_risk
                  + t.BASE_WEIGHTS["pattern_risk"] * pattern)
    worst = _worst_hazard(reading, temperature, alarms, limits)
    floor = np.where(ALARM_COUNT[alarms] > t.MANY_ALARMS, t.CRITICAL, FLOOR_OF_RANK[worst])
    risk = np.maximum(np.minimum(base, 1.0), floor)
    return {
        "max_temperature": temperature, "total_alarm_count": ALARM_COUNT[alarms], "communication_error": communication_error,
        **_indicators(reading, temperature, alarms, limits),
        "rule_risk": rule, "status_risk": status_risk, "pattern_risk": pattern, "base_risk": base, "floor_risk": floor,
        "risk_score": risk, "risk_level": risk_level(risk),
        "confidence": _round(np.clip(1 - 0.5 * np.abs(rule - status_risk), t.LEAST_CONFIDENCE, 1.0)),
        "alert_type": TYPE_OF_RANK[worst],
    }  # fmt: skip


def alarms_of(status: Status) -> Status:
    """Returns the alarm bits that count in a status, or in each of a column."""
    return (status & ALARM_MASK) * (status < WITHOUT_ALARMS)


def _round(column: Column) -> Column:
    return np.round(column, t.DECIMALS)


def _steps(column: Column, steps: t.Steps, otherwise: float = 0.0) -> Column:
    """Returns the points of the first limit that is exceeded, or `otherwise`."""
    points: Column = np.select([column > limit for limit, _ in steps], [each for _, each in steps], otherwise)
    return points


def _measured(column: Column) -> Column:
    return np.nan_to_num(column, nan=0.0)


def _leak(reading: Mapping[str, Column]) -> Column:
    leak: Column = np.fmax(reading["leakage_current"], reading["resistive_leakage"])
    return leak


def _indicators(reading: Mapping[str, Column], temperature: Column, alarms: Column, limits: t.Limits) -> dict[str, Column]:
    """Computes temperature_score (NaN without a temperature), electrical_score, gas_score and indicator_risk."""
    heat = np.where(np.isnan(temperature), np.nan, _steps(temperature, t.HEAT_SCORES, t.LEAST_HEAT_SCORE))
    electrical = ELECTRICAL_ALARMS[alarms] + np.minimum(
        t.MOST_ELECTRICAL_ARC_POINTS, t.ELECTRICAL_ARC_POINTS * _measured(reading["arc_count"]))
    gas = (t.GAS_POINTS["co_gas"] * (reading["co_gas"] > limits["co_warn"])
           + t.GAS_POINTS["voc"] * (reading["voc"] > limits["voc_warn"]))
    indicator = np.minimum(1.0, t.TEMPERATURE_WEIGHT * _measured(heat) + electrical + gas)
    return {"temperature_score": heat, "electrical_score": _round(electrical), "gas_score": _round(gas),
            "indicator_risk": _round(indicator)}


def _rule_risk(reading: Mapping[str, Column], temperature: Column, limits: t.Limits) -> Column:
    points = t.RULE_POINTS
    voltage = (reading["voltage"] > limits["voltage_high"]) | (reading["voltage_low"] < limits["voltage_low"])
    risk = (_steps(temperature, t.HEAT_POINTS) + points["voltage"] * voltage
            + points["current"] * (reading["current"] > limits["current_high"])
            + points["leakage"] * (_leak(reading) > limits["leakage_warn"])
            + np.minimum(t.MOST_ARC_POINTS, t.ARC_POINTS * _measured(reading["arc_count"]))
            + points["co_gas"] * (reading["co_gas"] > limits["co_warn"]) + points["voc"] * (reading["voc"] > limits["voc_warn"])
            + points["power_factor"] * (reading["power_factor"] < limits["power_factor_low"]))
    return _round(np.minimum(risk, 1.0))


def _pattern_risk(reading: Mapping[str, Column]) -> Column:
    """Adds points for measurements that contradict each other: temperatures, power, resistance."""
    imbalance = _round(np.abs(reading["pcb_temperature"] - reading["sensor_temperature"]))
    current = reading["current"]
    watts = reading["voltage"] * current * reading["power_factor"]
    mismatch = np.abs(watts - 1000 * reading["power"]) > t.POWER_MISMATCH_SHARE * watts
    ohms = reading["voltage"] / current
    odd_resistance = (current > t.LOADED_A) & ((ohms < t.RESISTANCE_OHM[0]) | (ohms > t.RESISTANCE_OHM[1]))
    return _round(_steps(imbalance, t.IMBALANCE_POINTS) + t.CONTRADICTION_POINTS * mismatch
                  + t.CONTRADICTION_POINTS * odd_resistance)


def _worst_hazard(reading: Mapping[str, Column], temperature: Column, alarms: Column, limits: t.Limits) -> Column:
    """Returns the rank of each reading's worst hazard."""
    worst: Column = ALARM_RANK[alarms]
    for alert_type, floor, stands in _hazards(reading, temperature, limits):
        np.maximum(worst, stands * hazard_rank(alert_type, floor), out=worst)
    return worst


def _hazards(reading: Mapping[str, Column], temperature: Column, limits: t.Limits) -> Iterator[tuple[str, float, Column]]:
    """Yields the alert type of each hazard that is measured, the risk that it alone stands for, and where it exists."""
    yield TEMPERATURE, t.CRITICAL, temperature > t.BURNING_C
    yield TEMPERATURE, t.HIGH, temperature > t.HOT_C
    yield ARCS, t.HIGH, reading["arc_count"] > t.MANY_ARCS
    yield ARCS, 0.0, reading["arc_count"] > 0
    leak, co, voc = _leak(reading), reading["co_gas"], reading["voc"]
    yield LEAKAGE, t.CRITICAL, leak >= t.LEAKAGE_FIRE_MA
    yield LEAKAGE, t.HIGH, leak >= t.LEAKAGE_PERSON_MA
    yield LEAKAGE, 0.0, leak > limits["leakage_warn"]
    yield GAS, t.CRITICAL, (co >= t.CO_ALARM_PPM) | ((co > t.CO_WITH_VOC_PPM) & (voc > t.VOC_WITH_CO))
    yield GAS, 0.0, (co > limits["co_warn"]) | (voc > limits["voc_warn"])
    yield OVERVOLTAGE, t.HIGH, reading["voltage"] > limits["voltage_hazard"]
    yield OVERVOLTAGE, 0.0, reading["voltage"] > limits["voltage_high"]
    yield OVERCURRENT, 0.0, reading["current"] > limits["current_high"]


def risk_level(risk: Column) -> Column:
    """Returns the level of each risk: NORMAL, LOW, MEDIUM, HIGH or CRITICAL."""
    levels: Column = np.array(LEVELS, dtype=object)[np.searchsorted(t.LEVEL_CUTS, _round(risk), side="right")]
    return levels
