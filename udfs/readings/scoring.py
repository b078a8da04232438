"""The scoring core: the risk of one reading from its own measurements, for whole columns at once.

Formulas follow semantics, "Scores of one reading"; every figure is in `udfs.readings.thresholds`. Columns are NumPy arrays of one
length; NaN means not measured and adds nothing to any score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.declared import CONTRACT
from udfs.readings import thresholds as t

Column = NDArray[Any]

ALARM_BITS = tuple(each.name for each in CONTRACT.alarm_bits)
BIT = {name: 1 << position for position, name in enumerate(ALARM_BITS)}
ALARM_MASK = (1 << len(ALARM_BITS)) - 1
COMMUNICATION_ERROR = 1 << CONTRACT.communication_error.bit
LEVELS = CONTRACT.levels
RISKY_LEVELS = ("HIGH", "CRITICAL")
"""Levels at which a reading becomes a candidate for an alert."""
ALERT_TYPES = tuple(each.name for each in CONTRACT.alert_types if "readings" in each.causes)
"""The types of alerts that a single reading can raise, in the order in which they apply."""
RANGES = {each.name: each.range for each in CONTRACT.measured if each.range}
"""Physical ranges, bounds included. A reading outside is kept and scored, and `invalid_fields` names the measurement."""


def _status_table() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Computes status_risk and the number of alarms for each of the 4,096 patterns of alarm bits."""
    patterns = np.arange(ALARM_MASK + 1)
    bits = (patterns[:, None] >> np.arange(len(ALARM_BITS))) & 1
    count = bits.sum(axis=1).astype(np.int32)
    crowd = t.CROWDED_ALARM_POINTS * np.maximum(count - t.CROWDED_ALARMS, 0)
    return np.round(np.minimum(bits @ np.array(t.ALARM_WEIGHTS) + crowd, 1.0), t.DECIMALS), count


STATUS_RISK, ALARM_COUNT = _status_table()


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
    alarms = ALARM_COUNT[status & ALARM_MASK]
    temperature = np.fmax(reading["pcb_temperature"], reading["sensor_temperature"])
    rule, pattern = _rule_risk(reading, temperature, limits), _pattern_risk(reading)
    communication_error = status >= COMMUNICATION_ERROR
    status_risk = np.where(communication_error, t.COMMUNICATION_ERROR_RISK, STATUS_RISK[status & ALARM_MASK])
    base = _round(t.BASE_WEIGHTS["rule_risk"] * rule + t.BASE_WEIGHTS["status_risk"] * status_risk
                  + t.BASE_WEIGHTS["pattern_risk"] * pattern)
    floor = _floor_risk(reading, temperature, alarms)
    risk = np.maximum(np.minimum(base, 1.0), floor)
    return {
        "max_temperature": temperature, "total_alarm_count": alarms, "communication_error": communication_error,
        **_indicators(reading, temperature, limits),
        "rule_risk": rule, "status_risk": status_risk, "pattern_risk": pattern, "base_risk": base, "floor_risk": floor,
        "risk_score": risk, "risk_level": risk_level(risk),
        "confidence": _round(np.clip(1 - 0.5 * np.abs(rule - status_risk), t.LEAST_CONFIDENCE, 1.0)),
        "alert_type": alert_type(reading, temperature, limits),
    }  # fmt: skip


def _round(column: Column) -> Column:
    return np.round(column, t.DECIMALS)


def _steps(column: Column, steps: t.Steps, otherwise: float = 0.0) -> Column:
    """Returns the points of the first limit that is exceeded, or `otherwise`."""
    points: Column = np.select([column > limit for limit, _ in steps], [each for _, each in steps], otherwise)
    return points


def _measured(column: Column) -> Column:
    return np.nan_to_num(column, nan=0.0)


def _has(status: Column, *names: str) -> Column:
    has: Column = (status & sum(BIT[name] for name in names)) != 0
    return has


def _leaks(reading: Mapping[str, Column], limit: Any) -> Column:
    leaks: Column = (reading["leakage_current"] > limit) | (reading["resistive_leakage"] > limit)
    return leaks


def _leaks_at_least(reading: Mapping[str, Column], limit: float) -> Column:
    return (reading["leakage_current"] >= limit) | (reading["resistive_leakage"] >= limit)


def _indicators(reading: Mapping[str, Column], temperature: Column, limits: t.Limits) -> dict[str, Column]:
    """Computes temperature_score (NaN without a temperature), electrical_score, gas_score and indicator_risk."""
    heat = np.where(np.isnan(temperature), np.nan, _steps(temperature, t.HEAT_SCORES, t.LEAST_HEAT_SCORE))
    alarms = sum(points * _has(reading["status_bits"], name) for name, points in t.ELECTRICAL_POINTS.items())
    electrical = alarms + np.minimum(t.MOST_ELECTRICAL_ARC_POINTS, t.ELECTRICAL_ARC_POINTS * _measured(reading["arc_count"]))
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
            + points["leakage"] * _leaks(reading, limits["leakage_warn"])
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


def _floor_risk(reading: Mapping[str, Column], temperature: Column, alarms: Column) -> Column:
    """Returns the least risk that the worst single hazard stands for, whatever else is measured; 0 without one."""
    critical = ((temperature > t.BURNING_C) | (reading["co_gas"] >= t.CO_ALARM_PPM)
                | ((reading["co_gas"] > t.CO_WITH_VOC_PPM) & (reading["voc"] > t.VOC_WITH_CO))
                | _leaks_at_least(reading, t.LEAKAGE_FIRE_MA) | (alarms > t.MANY_ALARMS))
    high = ((temperature > t.HOT_C) | _leaks_at_least(reading, t.LEAKAGE_PERSON_MA) | (reading["arc_count"] > t.MANY_ARCS)
            | _has(reading["status_bits"], "pcb_temp_alarm", "sensor_temp_alarm"))
    floor: Column = np.select([critical, high], [t.CRITICAL, t.HIGH], 0.0)
    return floor


def risk_level(risk: Column) -> Column:
    """Returns the level of each risk: NORMAL, LOW, MEDIUM, HIGH or CRITICAL."""
    levels: Column = np.array(LEVELS, dtype=object)[np.searchsorted(t.LEVEL_CUTS, _round(risk), side="right")]
    return levels


def alert_type(reading: Mapping[str, Column], temperature: Column, limits: t.Limits = t.LIMITS) -> Column:
    """Returns the type of alert that each reading would raise: the first of `ALERT_TYPES` whose condition holds."""
    status = reading["status_bits"]
    positions = np.select(
        [_has(status, "pcb_temp_alarm", "sensor_temp_alarm") | (temperature > t.HOT_C),
         _has(status, "arc_alarm") | (reading["arc_count"] > 0),
         _has(status, "total_leakage", "resistive_leakage") | _leaks(reading, limits["leakage_warn"]),
         _has(status, "overcurrent"),
         _has(status, "co_alarm", "voc_alarm") | (reading["co_gas"] > limits["co_warn"]) | (reading["voc"] > limits["voc_warn"])],
        [0, 1, 2, 3, 4], 5)
    types: Column = np.array(ALERT_TYPES, dtype=object)[positions]
    return types
