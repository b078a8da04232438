"""The scoring core: one reading's risk from its own measurements, for whole columns at once.

Formulas and figures are those of the contract (semantics, "Scores of one reading"). Columns are NumPy arrays of one
length; NaN means not measured, and adds nothing to any score. This module is the only place with thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from contract.model import CONTRACT

Column = NDArray[Any]
Limits: TypeAlias = Mapping[str, Any]
"""The limits by name, each one number for all rows or a column with one for each."""

ALARM_BITS = tuple(each.name for each in CONTRACT.alarm_bits)
ALARM_WEIGHTS = (0.1, 0.15, 0.2, 0.25, 0.2, 0.1, 0.3, 0.3, 0.2, 0.15, 0.05, 0.25)
BIT = {name: 1 << position for position, name in enumerate(ALARM_BITS)}
ALARM_MASK = (1 << len(ALARM_BITS)) - 1
COMMUNICATION_ERROR = 1 << CONTRACT.communication_error.bit
COMMUNICATION_ERROR_RISK = 0.8
CROWDED_ALARMS = 2
"""More alarms than this at once add `CROWDED_ALARM_POINTS` each."""
CROWDED_ALARM_POINTS = 0.1
MANY_ALARMS = 4

LEVELS = CONTRACT.levels
LEVEL_CUTS = (0.2, 0.4, 0.6, 0.8)
HIGH, CRITICAL = LEVEL_CUTS[2:]
ALERT_LEVELS = ("HIGH", "CRITICAL")

ALERT_TYPES = tuple(each.name for each in CONTRACT.alert_types if "readings" in each.causes)

NOMINAL_V = 220.0
HOT_C, WARM_C, MILD_C = 60.0, 50.0, 40.0
BURNING_C = 65.0
VOLTAGE_HIGH_V, VOLTAGE_LOW_V = 234.0, 190.0
CURRENT_HIGH_A = 100.0
LEAKAGE_WARN_MA, LEAKAGE_PERSON_MA, LEAKAGE_FIRE_MA = 8.0, 30.0, 300.0
"""300 mA can ignite: IEC 60364-4-42."""
CO_WARN_PPM, CO_WITH_VOC_PPM, CO_ALARM_PPM = 17.0, 25.0, 300.0
"""300 ppm must alarm within 3 minutes: EN 50291."""
VOC_WARN, VOC_WITH_CO = 400.0, 600.0
POWER_FACTOR_LOW = 0.9
MANY_ARCS = 5
LIMITS: Limits = {"voltage_high": VOLTAGE_HIGH_V, "voltage_low": VOLTAGE_LOW_V, "current_high": CURRENT_HIGH_A,
                  "leakage_warn": LEAKAGE_WARN_MA, "co_warn": CO_WARN_PPM, "voc_warn": VOC_WARN,
                  "power_factor_low": POWER_FACTOR_LOW}
"""What a profile may change, with the default profile's figures. It holds no floor: what one hazard stands for is fixed."""
IMBALANCE_HIGH_C, IMBALANCE_C = 20.0, 10.0
POWER_MISMATCH_SHARE = 0.2
LOADED_A = 0.1
"""Below this current a resistance says nothing."""
RESISTANCE_OHM = (1.0, 1000.0)

RANGES = {each.name: each.range for each in CONTRACT.measured if each.range}
"""Physical ranges; bounds are valid. A reading outside is kept and scored, and names the field."""

HEAT_POINTS = ((HOT_C, 0.4), (WARM_C, 0.3), (MILD_C, 0.1))
"""rule_risk by temperature: the first limit that is exceeded counts."""
RULE_POINTS = {"voltage": 0.15, "current": 0.2, "leakage": 0.25, "co_gas": 0.15, "voc": 0.1, "power_factor": 0.05}
ARC_POINTS, MOST_ARC_POINTS = 0.02, 0.2
IMBALANCE_POINTS = ((IMBALANCE_HIGH_C, 0.15), (IMBALANCE_C, 0.05))
CONTRADICTION_POINTS = 0.1
"""pattern_risk for power that does not follow from voltage and current, and for an odd resistance."""
BASE_WEIGHTS = {"rule_risk": 0.4, "status_risk": 0.3, "pattern_risk": 0.3}
TEMPERATURE_WEIGHT = 0.4
"""Weight of temperature_score in indicator_risk."""
DECIMALS = 6
"""Scores are rounded to this before a comparison, so that .1 + .2 + .3 is .6."""

RISE_C = 8.3
"""Rise of temperature within a minute, reached: 15 °F, the rate-of-rise heat detector's (UL 521)."""
CO_10MIN_PPM, CO_60MIN_PPM, CO_10MIN_MINUTES, CO_60MIN_MINUTES = 100.0, 50.0, 9, 54
"""Means, reached, and the minutes with readings they need: 100 ppm alarms in 10 to 40 min, 50 ppm in 60 to 90 (EN 50291)."""
SPIKE, SPIKE_CRITICAL, SPIKE_GAP_MINUTES = 0.3, 0.5, 10
"""Change of risk between minutes with readings that are not further apart than this, passed."""
ANOMALY_C, ANOMALY_CRITICAL_C, ANOMALY_SIGMAS = 50.0, 65.0, 2.0
"""A minute's highest temperature, and its distance from the hour's mean in standard deviations, passed."""
FREQUENT_ARCS, MODERATE_ARCS = 10, 5
"""Arcs in ten minutes, passed."""
SITE_DEVICES, CLUSTER_RISK, PAIR_RISK, DIVERGENCE_C = 2, 0.7, 0.5, 20.0
"""Devices of risk HIGH at one site, reached; both neighbours' risk, either's, and their difference in temperature, passed."""
SILENCE_MINUTES = 5
CONTEXT_MINUTES, CONTEXT_LEAST_MINUTES = 60, 5
CONTEXT_SLOPE_C, CONTEXT_ARCS, CONTEXT_INDICATOR = 0.1, 10, 0.6
"""Slope of the minutes' mean temperature (°C/min), sum of arcs, mean indicator_risk: each, passed, raises the modifier."""
CONTEXT_SLOPE_RAISE, CONTEXT_ARCS_RAISE, CONTEXT_INDICATOR_RAISE, CONTEXT_MOST = 0.2, 0.3, 0.1, 2.0


def _status_table() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """status_risk and alarm count of each of the 4,096 patterns of alarm bits."""
    patterns = np.arange(ALARM_MASK + 1)
    bits = (patterns[:, None] >> np.arange(len(ALARM_BITS))) & 1
    count = bits.sum(axis=1).astype(np.int32)
    crowd = CROWDED_ALARM_POINTS * np.maximum(count - CROWDED_ALARMS, 0)
    return np.round(np.minimum(bits @ np.array(ALARM_WEIGHTS) + crowd, 1.0), DECIMALS), count


STATUS_RISK, ALARM_COUNT = _status_table()


def score(reading: Mapping[str, Column], limits: Limits = LIMITS) -> dict[str, Column]:
    """Scores columns of readings.

    Args:
        reading: float columns `voltage`, `voltage_low`, `current`, `power` (kW), `power_factor`, `pcb_temperature`,
            `sensor_temperature` (°C), `leakage_current`, `resistive_leakage` (mA), `co_gas` (ppm), `voc` (µg/m³),
            `arc_count`, NaN where not measured; and `status_bits`, int64, 0 where not reported.
        limits: those of `LIMITS`, in its units; the default profile's, or each row's own.

    Returns:
        The score columns, rounded to 6 decimals, with `risk_level`, `alert_type` and `communication_error`.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return _score(reading, limits)


def _score(reading: Mapping[str, Column], limits: Limits) -> dict[str, Column]:
    status = reading["status_bits"]
    alarms = ALARM_COUNT[status & ALARM_MASK]
    temperature = np.fmax(reading["pcb_temperature"], reading["sensor_temperature"])
    rule, pattern = _rule_risk(reading, temperature, limits), _pattern_risk(reading)
    communication_error = status >= COMMUNICATION_ERROR
    status_risk = np.where(communication_error, COMMUNICATION_ERROR_RISK, STATUS_RISK[status & ALARM_MASK])
    base = _round(BASE_WEIGHTS["rule_risk"] * rule + BASE_WEIGHTS["status_risk"] * status_risk
                  + BASE_WEIGHTS["pattern_risk"] * pattern)
    floor = _floor_risk(reading, temperature, alarms)
    risk = np.maximum(np.minimum(base, 1.0), floor)
    return {
        "max_temperature": temperature, "total_alarm_count": alarms, "communication_error": communication_error,
        **_indicators(reading, temperature, limits),
        "rule_risk": rule, "status_risk": status_risk, "pattern_risk": pattern, "base_risk": base, "floor_risk": floor,
        "risk_score": risk, "risk_level": risk_level(risk),
        "confidence": _round(np.clip(1 - 0.5 * np.abs(rule - status_risk), 0.5, 1.0)),
        "alert_type": alert_type(reading, temperature, limits),
    }  # fmt: skip


def _round(column: Column) -> Column:
    return np.round(column, DECIMALS)


def _steps(column: Column, points: tuple[tuple[float, float], ...]) -> Column:
    """The points of the first limit that is exceeded, else 0."""
    found: Column = np.select([column > limit for limit, _ in points], [step for _, step in points], 0.0)
    return found


def _measured(column: Column) -> Column:
    return np.nan_to_num(column, nan=0.0)


def _has(status: Column, *names: str) -> Column:
    found: Column = (status & sum(BIT[name] for name in names)) != 0
    return found


def _leaks(reading: Mapping[str, Column], limit: Any) -> Column:
    leaks: Column = (reading["leakage_current"] > limit) | (reading["resistive_leakage"] > limit)
    return leaks


def _leaks_at_least(reading: Mapping[str, Column], limit: float) -> Column:
    return (reading["leakage_current"] >= limit) | (reading["resistive_leakage"] >= limit)


def _indicators(reading: Mapping[str, Column], temperature: Column, limits: Limits) -> dict[str, Column]:
    """temperature_score (NaN without a temperature), electrical_score, gas_score and indicator_risk."""
    status = reading["status_bits"]
    heat = np.select([np.isnan(temperature), temperature > HOT_C, temperature > WARM_C, temperature > MILD_C],
                     [np.nan, 1.0, 0.7, 0.4], 0.1)
    electrical = (0.15 * _has(status, "overvoltage") + 0.2 * _has(status, "overcurrent")
                  + 0.25 * _has(status, "total_leakage") + np.minimum(0.3, 0.05 * _measured(reading["arc_count"])))
    gas = 0.2 * (reading["co_gas"] > limits["co_warn"]) + 0.15 * (reading["voc"] > limits["voc_warn"])
    indicator = np.minimum(1.0, TEMPERATURE_WEIGHT * _measured(heat) + electrical + gas)
    return {"temperature_score": heat, "electrical_score": _round(electrical), "gas_score": _round(gas),
            "indicator_risk": _round(indicator)}


def _rule_risk(reading: Mapping[str, Column], temperature: Column, limits: Limits) -> Column:
    points = RULE_POINTS
    voltage = (reading["voltage"] > limits["voltage_high"]) | (reading["voltage_low"] < limits["voltage_low"])
    risk = (_steps(temperature, HEAT_POINTS) + points["voltage"] * voltage
            + points["current"] * (reading["current"] > limits["current_high"])
            + points["leakage"] * _leaks(reading, limits["leakage_warn"])
            + np.minimum(MOST_ARC_POINTS, ARC_POINTS * _measured(reading["arc_count"]))
            + points["co_gas"] * (reading["co_gas"] > limits["co_warn"]) + points["voc"] * (reading["voc"] > limits["voc_warn"])
            + points["power_factor"] * (reading["power_factor"] < limits["power_factor_low"]))
    return _round(np.minimum(risk, 1.0))


def _pattern_risk(reading: Mapping[str, Column]) -> Column:
    """Points for measurements that contradict each other: temperatures, power, resistance."""
    imbalance = _round(np.abs(reading["pcb_temperature"] - reading["sensor_temperature"]))
    current = reading["current"]
    watts = reading["voltage"] * current * reading["power_factor"]
    mismatch = np.abs(watts - 1000 * reading["power"]) > POWER_MISMATCH_SHARE * watts
    ohms = reading["voltage"] / current
    odd_resistance = (current > LOADED_A) & ((ohms < RESISTANCE_OHM[0]) | (ohms > RESISTANCE_OHM[1]))
    return _round(_steps(imbalance, IMBALANCE_POINTS) + CONTRADICTION_POINTS * mismatch
                  + CONTRADICTION_POINTS * odd_resistance)


def _floor_risk(reading: Mapping[str, Column], temperature: Column, alarms: Column) -> Column:
    """One unmistakable hazard is enough: the least risk that it stands for."""
    critical = ((temperature > BURNING_C) | (reading["co_gas"] >= CO_ALARM_PPM)
                | ((reading["co_gas"] > CO_WITH_VOC_PPM) & (reading["voc"] > VOC_WITH_CO))
                | _leaks_at_least(reading, LEAKAGE_FIRE_MA) | (alarms > MANY_ALARMS))
    high = ((temperature > HOT_C) | _leaks_at_least(reading, LEAKAGE_PERSON_MA) | (reading["arc_count"] > MANY_ARCS)
            | _has(reading["status_bits"], "pcb_temp_alarm", "sensor_temp_alarm"))
    floor: Column = np.select([critical, high], [CRITICAL, HIGH], 0.0)
    return floor


def risk_level(risk: Column) -> Column:
    """The level of each risk: NORMAL, LOW, MEDIUM, HIGH or CRITICAL."""
    levels: Column = np.array(LEVELS, dtype=object)[np.searchsorted(LEVEL_CUTS, _round(risk), side="right")]
    return levels


def alert_type(reading: Mapping[str, Column], temperature: Column, limits: Limits = LIMITS) -> Column:
    """The kind of alert a reading would raise, the first that fits in the order of `ALERT_TYPES`."""
    status = reading["status_bits"]
    kinds = np.select(
        [_has(status, "pcb_temp_alarm", "sensor_temp_alarm") | (temperature > HOT_C),
         _has(status, "arc_alarm") | (reading["arc_count"] > 0),
         _has(status, "total_leakage", "resistive_leakage") | _leaks(reading, limits["leakage_warn"]),
         _has(status, "overcurrent"),
         _has(status, "co_alarm", "voc_alarm") | (reading["co_gas"] > limits["co_warn"]) | (reading["voc"] > limits["voc_warn"])],
        [0, 1, 2, 3, 4], 5)
    types: Column = np.array(ALERT_TYPES, dtype=object)[kinds]
    return types
