"""The context of a minute against plain references: numpy.polyfit, and the formula of the semantics in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.reference import level
from udfs.minutes import context as hour

TEMPERATURES = st.floats(-20, 300).map(lambda value: round(value, 2))
MINUTES = st.lists(st.integers(0, 59), min_size=1, max_size=60, unique=True).map(sorted)
RISKS = st.floats(0, 1).map(lambda value: round(value, 6))


def context(minutes: list[int], temperatures: list[float | None], arcs: float = 0, indicator: float = 0.0, base: float = 0.0,
            floor: float = 0.0) -> dict[str, object]:
    """Computes the context of one minute."""
    numbers = (np.array([value], dtype=np.float64) for value in (arcs, indicator, base, floor))
    return {name: column[0] for name, column in hour.context([minutes], [temperatures], *numbers).items()}


def slope(minutes: list[int], temperatures: list[float | None]) -> float:
    """Fits a line by polyfit to the minutes with a temperature; NaN with fewer than two."""
    measured = [(x, y) for x, y in zip(minutes, temperatures, strict=True) if y is not None]
    if len(measured) < 2:
        return float("nan")
    x, y = np.array(measured, dtype=np.float64).T
    return float(np.polyfit(x - x.mean(), y, 1)[0])


def modifier(minutes: list[int], temperatures: list[float | None], arcs: float, indicator: float) -> float:
    if len(minutes) < 5:
        return 1.0
    rise = round(slope(minutes, temperatures), 6)
    return 1 + 0.2 * (rise > 0.1) + 0.3 * (arcs > 10) + 0.1 * (round(indicator, 6) > 0.6)


@st.composite
def hours(draw: st.DrawFn) -> tuple[list[int], list[float | None]]:
    minutes = draw(MINUTES)
    return minutes, [draw(st.none() | TEMPERATURES) for _ in minutes]


@given(hours())
def test_slope_is_that_of_polyfit(window: tuple[list[int], list[float | None]]) -> None:
    minutes, temperatures = window
    computed = context(minutes, temperatures)["temperature_slope"]
    expected = slope(minutes, temperatures) if len(minutes) >= 5 else float("nan")
    assert computed == pytest.approx(expected, abs=2e-6, nan_ok=True)


@given(hours(), st.integers(-10**6, 3 * 10**7))
def test_slope_does_not_depend_on_when_the_hour_is(window: tuple[list[int], list[float | None]], shift: int) -> None:
    minutes, temperatures = window
    moved = context([minute + shift for minute in minutes], temperatures)
    assert moved["temperature_slope"] == pytest.approx(context(minutes, temperatures)["temperature_slope"], abs=2e-6, nan_ok=True)


@given(hours(), st.integers(0, 30), RISKS, RISKS, st.sampled_from([0.0, 0.6, 0.8]))
def test_risk_is_the_base_times_the_modifier_and_never_below_the_floor(
        window: tuple[list[int], list[float | None]], arcs: int, indicator: float, base: float, floor: float) -> None:
    row = context(*window, arcs, indicator, base, floor)
    near_a_cut = abs(slope(*window) - 0.1) < 1e-5
    if not near_a_cut:
        assert row["risk_modifier"] == pytest.approx(modifier(*window, arcs, indicator))
    assert row["risk_score"] == pytest.approx(max(min(1, base * float(row["risk_modifier"])), floor), abs=1e-6)
    assert row["risk_level"] == level(float(row["risk_score"]))


@given(st.lists(hours(), min_size=1, max_size=8))
def test_batch_gives_each_row_what_it_gets_by_itself(windows: list[tuple[list[int], list[float | None]]]) -> None:
    zeros = np.zeros(len(windows))
    together = hour.context([window[0] for window in windows], [window[1] for window in windows], zeros, zeros, zeros, zeros)
    alone = [context(*window)["temperature_slope"] for window in windows]
    assert together["temperature_slope"].tolist() == pytest.approx(alone, abs=2e-6, nan_ok=True)


@pytest.mark.parametrize(("minutes", "temperatures", "arcs", "indicator", "expected"), [
    ([1, 2, 3, 4], [10, 20, 30, 40], 99, 1.0, 1.0),
    ([1, 2, 3, 4, 5], [30, 30.1, 30.2, 30.3, 30.4], 10, 0.6, 1.0),
    ([1, 2, 3, 4, 5], [30, 30.11, 30.22, 30.33, 30.44], 10, 0.6, 1.2),
    ([1, 2, 3, 4, 5], [30.4, 30.3, 30.2, 30.1, 30], 11, 0.6, 1.3),
    ([1, 2, 3, 4, 5], [None] * 5, 0, 0.600001, 1.1),
    ([1, 2, 3, 4, 5], [10, 20, 30, 40, 50], 11, 0.7, 1.6)])
def test_modifier_on_and_over_each_threshold(minutes: list[int], temperatures: list[float | None], arcs: int, indicator: float,
                                             expected: float) -> None:
    assert context(minutes, temperatures, arcs, indicator)["risk_modifier"] == expected


def test_no_minutes_give_no_rows() -> None:
    nothing = np.zeros(0)
    assert all(len(column) == 0 for column in hour.context([], [], nothing, nothing, nothing, nothing).values())


def test_array_with_missing_values_as_flink_passes_it_is_read() -> None:
    row = context([1, 2, 3, 4, 5], np.array([30.0, np.nan, 31.0, np.nan, 32.0]))  # type: ignore[arg-type]
    assert row["temperature_slope"] == 0.5
