"""The scoring core against a plain reference, the independent vectors, and its own explanation."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import reference
from udfs.readings import decode, scoring, thresholds
from udfs.readings.explanation import explain, floors, parts
from udfs.registry import format, profiles

VECTORS = Path(__file__).parents[1] / "vectors"
LIMITS = {
    "voltage": (0.0, 190.0, 234.0, 264.0, 300.0), "voltage_low": (190.0,), "current": (0.1, 100.0, 200.0),
    "leakage_current": (8.0, 30.0, 300.0), "resistive_leakage": (8.0, 30.0, 300.0), "power": (0.0, 2.2),
    "power_factor": (0.9, 1.0), "pcb_temperature": (40.0, 50.0, 60.0, 65.0), "sensor_temperature": (40.0, 50.0, 60.0, 65.0),
    "co_gas": (17.0, 25.0, 300.0), "voc": (400.0, 600.0),
}  # fmt: skip


def near(limits: tuple[float, ...]) -> st.SearchStrategy[float | None]:
    """Draws a value that is absent, exactly on a limit, just next to one, or anywhere."""
    beside = [limit + step for limit in limits for step in (-0.1, 0.0, 0.1)]
    anywhere = st.floats(-50, 400).map(lambda value: round(value, 3))
    return st.one_of(st.none(), st.sampled_from(beside), anywhere)


READINGS = st.fixed_dictionaries(
    {name: near(limits) for name, limits in LIMITS.items()}
    | {"status_bits": st.one_of(st.none(), st.sampled_from([1 << bit for bit in range(15)]), st.integers(0, 16383)),
       "arc_count": st.one_of(st.none(), st.integers(0, 15))})


def columns(readings: list[dict[str, Any]]) -> dict[str, Any]:
    made = {name: np.array([math.nan if row[name] is None else row[name] for row in readings], dtype=float)
            for name in [*LIMITS, "arc_count"]}
    return made | {"status_bits": np.array([row["status_bits"] or 0 for row in readings], dtype=np.int64)}


@given(st.lists(READINGS, min_size=1, max_size=20))
@settings(max_examples=400, deadline=None)
def test_columns_score_like_one_reading_at_a_time(readings: list[dict[str, Any]]) -> None:
    scored = scoring.score(columns(readings))
    for row, reading in enumerate(readings):
        for name, expected in reference.scores(reading).items():
            got = scored[name][row]
            assert got == expected if isinstance(expected, str) else got == pytest.approx(expected, abs=1e-9), (name, reading)


@st.composite
def registered(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, float]]:
    """Draws a profile as a registry declares it, with its limits by the plain reference."""
    nominal, rated = draw(st.sampled_from([220, 230, 120, 110.5])), draw(st.sampled_from([100, 16, 0.5, 200]))
    ranges = profiles.allowed(nominal, rated)
    changed = draw(st.sets(st.sampled_from(["current_high", "leakage_warn", "co_warn", "voc_warn", "power_factor_low"])))
    overrides = {name: draw(st.floats(*ranges[name][0]).map(lambda value: round(value, 3))) for name in changed}
    return ({"nominal_voltage": nominal, "rated_current": rated, "limits": overrides},
            reference.profile_limits(nominal, rated, overrides))


LIMIT_OF = {"voltage": "voltage_high", "voltage_low": "voltage_low", "current": "current_high", "leakage_current": "leakage_warn",
            "co_gas": "co_warn", "voc": "voc_warn", "power_factor": "power_factor_low"}
BESIDE = st.dictionaries(st.sampled_from(list(LIMIT_OF)), st.sampled_from([-0.001, 0.0, 0.001]))
"""Measurements to draw exactly on the limits of their profile, or just next to them."""


@given(st.lists(st.tuples(READINGS, registered(), BESIDE), min_size=1, max_size=12))
@settings(max_examples=300, deadline=None)
def test_devices_with_profiles_score_like_one_reading_with_its_limits(rows: list[tuple[Any, ...]]) -> None:
    readings = [reading | {name: limits[LIMIT_OF[name]] + step for name, step in which.items()}
                for reading, (_, limits), which in rows]
    known = format.parse(json.dumps({
        "profiles": {f"p{row}": profile for row, (_, (profile, _), _) in enumerate(rows)},
        "devices": {f"d{row}": {"profile": f"p{row}"} for row in range(len(rows))}}).encode())
    devices = np.array([f"d{row}" for row in range(len(rows))], dtype=object)
    found = known.find(devices, np.full(len(rows), None), np.zeros(len(rows), dtype=np.int64))
    scored = scoring.score(columns(readings), found.limits)
    for row, (reading, (_, (_, limits), _)) in enumerate(zip(readings, rows, strict=True)):
        for name, expected in reference.scores(reading, limits).items():
            got = scored[name][row]
            assert got == expected if isinstance(expected, str) else got == pytest.approx(expected, abs=1e-9), (name, reading)
        adds_up({name: column[row] for name, column in scored.items()}, reading, profiles.read(found.columns["limits"][row]))


@given(st.lists(READINGS, min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_default_limits_for_each_row_give_identical_scores(readings: list[dict[str, Any]]) -> None:
    each = {name: np.full(len(readings), limit) for name, limit in thresholds.LIMITS.items()}
    plain, given_ = scoring.score(columns(readings)), scoring.score(columns(readings), each)
    for name, column in plain.items():
        np.testing.assert_array_equal(column, given_[name])


def test_floors_hold_whatever_the_profile() -> None:
    reading = dict.fromkeys(LIMITS) | {"status_bits": 0, "arc_count": None}
    widest = profiles.allowed(220, 100).items()
    lenient = {**thresholds.LIMITS} | {name: bounds[1 if name != "power_factor_low" else 0] for name, (bounds, _) in widest}
    for hazard, least in (({"sensor_temperature": 66.0}, 0.8), ({"leakage_current": 30.0}, 0.6), ({"arc_count": 6}, 0.6),
                          ({"leakage_current": 300.0}, 0.8), ({"co_gas": 300.0}, 0.8), ({"co_gas": 26.0, "voc": 601.0}, 0.8),
                          ({"voltage": 264.1}, 0.6), ({"status_bits": 2048}, 0.6), ({"status_bits": 4}, 0.4)):
        assert scoring.score(columns([reading | hazard]), lenient)["risk_score"][0] >= least


@given(READINGS)
@settings(max_examples=400, deadline=None)
def test_explanation_adds_up_to_the_score(reading: dict[str, Any]) -> None:
    adds_up({name: column[0] for name, column in scoring.score(columns([reading])).items()}, reading, thresholds.LIMITS)


def adds_up(scored: dict[str, Any], reading: dict[str, Any], limits: Any) -> None:
    assert max([each.points for each in floors(reading, limits)], default=0.0) == scored["floor_risk"]
    for basis, weight in thresholds.BASE_WEIGHTS.items():
        added = sum(each.points for each in parts(reading, limits) if f"{each.basis}_risk" == basis)
        assert min(added, weight) == pytest.approx(weight * scored[basis], abs=1e-6)


@given(READINGS)
@settings(max_examples=300, deadline=None)
def test_alert_is_explained_by_its_own_hazard_first_and_by_every_further_one(reading: dict[str, Any]) -> None:
    alert_type = reference.alert_type(reading, reference.DEFAULT)
    found = explain(reading, alert_type=alert_type)
    assert alert_type == scoring.NO_HAZARD or found[0].alert_type == alert_type
    assert [each.alert_type != alert_type for each in found] == sorted(each.alert_type != alert_type for each in found)
    hazards = {name for name, floor in reference.floors(reading, reference.DEFAULT).items() if floor}
    assert hazards <= {each.hazard for each in found}
    assert len({(each.name, each.is_alarm) for each in found}) == len(found)


def test_high_temperature_is_explained_by_the_temperature_though_more_is_wrong() -> None:
    reading = dict.fromkeys(LIMITS) | {"status_bits": 128 | 32, "arc_count": 2, "sensor_temperature": 62.0, "co_gas": 299.0,
                                       "leakage_current": 31.0, "power_factor": 0.5}
    found = explain(reading, alert_type="TEMPERATURE_CRITICAL")
    assert [each.name for each in found] == ["sensor_temperature", "sensor_temp_alarm", "leakage_current", "co_gas", "arc_count",
                                             "power_anomaly", "power_factor"]
    assert found[0][1:5] == (62.0, "°C", 60.0, 0.6)
    assert [each.hazard for each in found][-5:] == ["ELECTRICAL_LEAKAGE", "GAS_DETECTION", "ARC_DETECTED", None, None]


def test_measurement_and_alarm_bit_of_one_name_are_both_named() -> None:
    reading = dict.fromkeys(LIMITS) | {"status_bits": 16, "arc_count": None, "resistive_leakage": 31.0}
    both = [("resistive_leakage", False), ("resistive_leakage", True)]
    assert [(each.name, each.is_alarm) for each in explain(reading)] == both


def test_warm_board_is_a_reason_but_no_hazard() -> None:
    [warm] = explain(dict.fromkeys(LIMITS) | {"status_bits": 0, "arc_count": None, "pcb_temperature": 55.0})
    assert (warm.alert_type, warm.hazard) == ("TEMPERATURE_CRITICAL", None)


@pytest.mark.parametrize(("nominal", "volts", "floor"), [
    (220, 264.0, 0.0), (220, 264.1, 0.6), (120, 144.0, 0.0), (120, 144.1, 0.6)])
def test_floor_of_overvoltage_follows_the_nominal_voltage(nominal: float, volts: float, floor: float) -> None:
    limits = reference.profile_limits(nominal, 100, {})
    scored = scoring.score(columns([dict.fromkeys(LIMITS) | {"status_bits": 0, "arc_count": None, "voltage": volts}]), limits)
    assert (scored["floor_risk"][0], scored["alert_type"][0]) == (floor, "OVERVOLTAGE")


@pytest.mark.parametrize("status", [8192, 8192 + 64, 65535])
def test_status_beyond_the_communication_error_has_no_alarms(status: int) -> None:
    reading = dict.fromkeys(LIMITS) | {"status_bits": status, "arc_count": None}
    scored = scoring.score(columns([reading]))
    assert (scored["total_alarm_count"][0], scored["floor_risk"][0], scored["status_risk"][0]) == (0, 0, 0.8)
    assert [each.name for each in explain(reading)] == ["communication_error"]


def test_explanation_names_the_limit_of_the_profile() -> None:
    reading = dict.fromkeys(LIMITS) | {"status_bits": 0, "arc_count": None, "current": 18.0}
    assert explain(reading) == []
    assert [each[:4] for each in explain(reading, {**thresholds.LIMITS, "current_high": 16.0})] == [("current", 18.0, "A", 16.0)]


def test_unmeasured_reading_scores_nothing_and_has_no_temperature() -> None:
    nothing = dict.fromkeys(LIMITS) | {"status_bits": None, "arc_count": None}
    scored = scoring.score(columns([nothing]))
    assert scored["risk_score"][0] == 0 and scored["indicator_risk"][0] == 0
    assert math.isnan(scored["max_temperature"][0]) and math.isnan(scored["temperature_score"][0])


@pytest.mark.parametrize("line", (VECTORS / "single_readings.jsonl").read_text().splitlines())
def test_vector_agrees_on_every_field(line: str) -> None:
    vector = json.loads(line)
    readings = decode.read([json.dumps(vector["message"]).encode()])
    assert readings.reason[0] is None
    for name, expected in vector["expect"].items():
        got = readings.columns[name][0]
        got = [field for field in got.split(",") if field] if name == "invalid_fields" else got
        assert got == pytest.approx(expected, abs=1e-9) if isinstance(expected, float) else got == expected, name


def test_readings_of_the_vectors_stream_have_the_expected_risk() -> None:
    with gzip.open(VECTORS / "stream.jsonl.gz", "rb") as lines:
        columns = decode.read([line.rstrip(b"\n") for line in lines]).columns
    names = ("device_id", "idx", "event_ms", "risk_score", "risk_level")
    read = {row[:3]: row[3:] for row in zip(*(columns[name].tolist() for name in names), strict=True)}
    with gzip.open(VECTORS / "expect_readings.jsonl.gz", "rb") as lines:
        expected = [json.loads(line) for line in lines]
    assert read.keys() == {(row["device_id"], row["idx"], row["event_ms"]) for row in expected}
    for row in expected:
        risk, level = read[row["device_id"], row["idx"], row["event_ms"]]
        assert (risk, level) == (pytest.approx(row["risk_score"], abs=1e-9), row["risk_level"])
