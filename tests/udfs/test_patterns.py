"""The patterns in a device's hour against plain references: statistics, numpy.polyfit, a naive discrete Fourier transform."""

from __future__ import annotations

import cmath
import json
import math
import random
import statistics
from itertools import pairwise, takewhile
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract.declared import CONTRACT
from udfs.minutes.anomalies import ADVICE, POWER
from udfs.minutes.patterns import patterns
from udfs.readings.thresholds import NORMAL_RANGES

TEMPERATURES = st.floats(-20, 200).map(lambda value: round(value, 2))
RISKS = st.floats(0, 1).map(lambda value: round(value, 6))
COLUMNS = ("temperature", "risk", "arcs", "voltage", "current", "co_gas", "voc", "power_factor", "leakage_current",
           "resistive_leakage", "calculated_watts", "measured_watts")
Series = list[float | None]


def patterns_of(minutes: list[int] | None = None, **columns: Series) -> dict[str, Any]:
    """Computes the patterns of minutes with these columns, risk 0 and nothing else measured."""
    count = len(next(iter(columns.values())))
    blank: dict[str, Series] = {name: [None] * count for name in COLUMNS} | {"risk": [0.0] * count}
    return patterns(list(range(count)) if minutes is None else minutes, blank | columns)


def magnitudes(values: list[float]) -> list[float]:
    """Computes the discrete Fourier transform by its definition."""
    count = len(values)
    return [abs(sum(value * cmath.exp(-2j * math.pi * k * n / count) for n, value in enumerate(values))) for k in range(count)]


def period(values: list[float]) -> float | None:
    spectrum = magnitudes(values)
    half = spectrum[1 : len(values) // 2 + 1]
    if max(half) <= 2 * statistics.mean(spectrum):
        return None
    return len(values) / (half.index(max(half)) + 1)


@given(st.lists(TEMPERATURES, min_size=10, max_size=60))
def test_period_is_that_of_a_naive_fourier_transform(temperatures: list[float]) -> None:
    spectrum = magnitudes(temperatures)
    half = sorted(spectrum[1 : len(temperatures) // 2 + 1])
    assume(half[-1] - half[-2] > 1e-5 and abs(half[-1] - 2 * statistics.mean(spectrum)) > 1e-5)
    got, expected = patterns_of(temperature=list(temperatures))["periodicity_minutes"], period(temperatures)
    assert got == (None if expected is None else pytest.approx(expected, abs=1e-6))


@pytest.mark.parametrize("minutes", [2, 3, 4, 5, 6, 10, 12, 15, 20, 30])
def test_wave_is_found_with_its_period(minutes: int) -> None:
    wave: Series = [20 + 15 * math.cos(2 * math.pi * n / minutes) for n in range(60)]
    assert patterns_of(temperature=wave)["periodicity_minutes"] == pytest.approx(minutes, abs=1e-6)


def test_constant_temperature_has_no_period() -> None:
    assert patterns_of(temperature=[30.0] * 60)["periodicity_minutes"] is None


def test_fewer_than_ten_temperatures_have_no_period() -> None:
    assert patterns_of(temperature=[*[20.0, 80.0] * 4, None, None, 20.0])["periodicity_minutes"] is None


@given(st.lists(RISKS, min_size=10, max_size=60))
def test_volatility_is_the_population_standard_deviation(risks: list[float]) -> None:
    assert patterns_of(risk=list(risks))["risk_volatility"] == pytest.approx(statistics.pstdev(risks), abs=1e-6)


@given(st.lists(RISKS, min_size=10, max_size=60))
def test_risk_change_is_rapid_where_two_neighbours_differ_by_more_than_0_3(risks: list[float]) -> None:
    steps = [round(abs(b - a), 6) for a, b in pairwise(risks)]
    assert patterns_of(risk=list(risks))["is_rapid_risk_change"] == (max(steps) > 0.3)


@given(st.lists(st.sampled_from([0.6, 0.7, 0.700001, 0.8, 1.0]), min_size=10, max_size=20))
def test_high_risk_is_sustained_if_the_last_three_minutes_all_exceed_0_7(risks: list[float]) -> None:
    assert patterns_of(risk=list(risks))["is_sustained_high_risk"] == (min(risks[-3:]) > 0.7)


@given(st.lists(st.none() | st.integers(0, 20), min_size=10, max_size=60))
def test_arc_pattern_is_the_share_of_minutes_with_arcs(arcs: list[int | None]) -> None:
    share = sum(bool(each) for each in arcs) / len(arcs)
    name = "FREQUENT" if share > 0.5 else "MODERATE" if share > 0.2 else "SPORADIC" if share > 0 else "NO_ARCS"
    assert patterns_of(arcs=[None if each is None else float(each) for each in arcs])["arc_pattern"] == name


@given(st.lists(st.none() | TEMPERATURES, min_size=10, max_size=60), st.data())
def test_slope_change_and_trend_are_those_of_plain_arithmetic(temperatures: Series, data: st.DataObject) -> None:
    minutes = sorted(data.draw(st.lists(st.integers(0, 90), min_size=len(temperatures), max_size=len(temperatures), unique=True)))
    measured = [(x, y) for x, y in zip(minutes, temperatures, strict=True) if y is not None]
    assume(len(measured) >= 2)
    x, y = np.array(measured, dtype=np.float64).T
    got = patterns_of(minutes, temperature=temperatures)
    slope = float(np.polyfit(x - x.mean(), y, 1)[0])
    assert got["temperature_slope"] == pytest.approx(slope, abs=2e-6)
    changes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(measured)]
    assert got["temperature_change"] == pytest.approx(statistics.mean(changes), abs=2e-6)
    if abs(abs(slope) - 0.1) > 1e-5:
        assert got["trend"] == ("RISING" if slope > 0.1 else "FALLING" if slope < -0.1 else "STABLE")


@given(st.lists(TEMPERATURES, min_size=10, max_size=60))
def test_confidence_is_r_squared_of_the_fit(temperatures: list[float]) -> None:
    assume(max(temperatures) - min(temperatures) > 0.01)
    x = np.arange(len(temperatures), dtype=np.float64)
    residuals = np.array(temperatures) - np.polyval(np.polyfit(x, temperatures, 1), x)
    explained = 1 - float(residuals @ residuals) / (statistics.pvariance(temperatures) * len(temperatures))
    assert patterns_of(temperature=list(temperatures))["confidence"] == pytest.approx(max(explained, 0), abs=1e-5)


@given(st.lists(TEMPERATURES, min_size=10, max_size=20), st.integers(0, 2**32))
def test_order_in_which_minutes_come_changes_nothing(temperatures: list[float], seed: int) -> None:
    order = list(range(len(temperatures)))
    random.Random(seed).shuffle(order)
    risks = [min(1.0, abs(value) / 200) for value in temperatures]
    shuffled = patterns_of(order, temperature=[temperatures[n] for n in order], risk=[risks[n] for n in order])
    assert shuffled == patterns_of(temperature=list(temperatures), risk=list(risks))


@pytest.mark.parametrize(("sensor", "normal", "odd"), [
    ("temperature", [20.0, 60.0], [19.99, 60.01]), ("voltage", [200.0, 250.0], [199.9, 250.1]),
    ("current", [0.0, 120.0], [120.1]), ("co_gas", [0.0, 20.0], [20.1]), ("voc", [0.0, 500.0], [500.1]),
    ("power_factor", [0.8, 1.0], [0.79])])
def test_sensor_is_anomalous_outside_its_normal_range_only(sensor: str, normal: list[float], odd: list[float]) -> None:
    assert all(patterns_of(**{sensor: [value] * 10})["sensor_anomalies"] == [] for value in normal)
    assert all(patterns_of(**{sensor: [value] * 10})["sensor_anomalies"] == [sensor] for value in odd)


def test_newest_measurement_decides_whether_a_sensor_is_anomalous() -> None:
    assert patterns_of(voltage=[260.0] * 9 + [230.0])["sensor_anomalies"] == []
    assert patterns_of(voltage=[230.0] * 8 + [260.0, None])["sensor_anomalies"] == ["voltage"]


def test_minutes_without_measurements_have_only_patterns_of_risk() -> None:
    assert patterns_of(risk=[0.0] * 10) == {
        "temperature_slope": None, "temperature_change": None, "risk_slope": 0.0, "arc_pattern": "NO_ARCS", "arc_frequency": 0.0,
        "periodicity_minutes": None, "dominant_period_minutes": None, "risk_volatility": 0.0, "is_rapid_risk_change": False,
        "rapid_risk_change": None, "rapid_risk_change_at": None, "is_sustained_high_risk": False, "high_risk_minutes": 0,
        "sensor_anomalies": [], "anomalies": "[]", "anomaly_count": 0, "trend": "STABLE", "confidence": 0.0,
        "recommendations": []}  # fmt: skip


def test_anomaly_says_value_range_severity_and_in_how_many_minutes() -> None:
    got = patterns_of(temperature=[70.0, *[25.0] * 7, 61.5, 64.25], leakage_current=[2.0] * 9 + [9.5])
    assert json.loads(got["anomalies"]) == [
        {"sensor": "temperature", "type": "RANGE_VIOLATION", "severity": "HIGH", "value": 64.25, "lowest": 20.0, "highest": 60.0,
         "minutes": 3},
        {"sensor": "leakage_current", "type": "RANGE_VIOLATION", "severity": "MEDIUM", "value": 9.5, "lowest": 0.0,
         "highest": 8.0, "minutes": 1}]
    assert (got["sensor_anomalies"], got["anomaly_count"]) == (["temperature", "leakage_current"], 2)
    assert got["recommendations"][:2] == ["cool", "cut_off"]


@pytest.mark.parametrize(("measured", "is_anomalous"), [(800.0, False), (799.9, True), (1200.0, False), (1200.1, True),
                                                        (None, False)])
def test_power_is_inconsistent_beyond_a_fifth_of_what_was_calculated(measured: float | None, is_anomalous: bool) -> None:
    got = patterns_of(calculated_watts=[1000.0] * 10, measured_watts=[measured] * 10)
    assert got["sensor_anomalies"] == (["power_mismatch"] if is_anomalous else [])


def test_infinite_power_is_no_number_in_the_text() -> None:
    for value in (math.inf, 1.7e308):
        assert "Infinity" not in patterns_of(calculated_watts=[value] * 10, measured_watts=[5.0] * 10,
                                             current=[value] * 10)["anomalies"]


def test_rapid_change_says_how_far_and_when() -> None:
    got = patterns_of(list(range(29_333_340, 29_333_350)), risk=[0.1, 0.5, 0.5, 0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])
    assert (got["rapid_risk_change"], got["rapid_risk_change_at"]) == (-0.5, "2025-10-09T09:04:00.000Z")


@given(st.lists(st.sampled_from([0.6, 0.7, 0.700001, 0.8, 1.0]), min_size=10, max_size=20))
def test_streak_counts_the_newest_minutes_of_high_risk(risks: list[float]) -> None:
    assert patterns_of(risk=list(risks))["high_risk_minutes"] == len(list(takewhile(lambda risk: risk > 0.7, reversed(risks))))


def test_dominant_period_is_given_even_if_it_does_not_stand_out() -> None:
    noise = random.Random(5)
    got = patterns_of(temperature=[20 + noise.random() for _ in range(60)])
    assert got["periodicity_minutes"] in (None, got["dominant_period_minutes"])
    assert got["dominant_period_minutes"] >= 2


def test_every_advice_is_declared() -> None:
    assert {name for names in ADVICE.values() for name in names} | {"inspect", "find_change"} <= CONTRACT.advice.keys()
    assert ADVICE.keys() >= {*NORMAL_RANGES, POWER}
