"""A site on fire causes one alert for the site, one per device and alert type, and a bounded number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.conftest import Rows, message
from udfs.readings.thresholds import PAIRED_DEVICES

DEVICES, MINUTES = 100, 10
MOST_PAIRS = PAIRED_DEVICES * (PAIRED_DEVICES - 1) // 2


@pytest.fixture(scope="module")
def storm(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Replays a hundred devices of one site, each above 65 °C with smoke and arcs, every 30 s for ten minutes."""
    hazard = {"siteId": "plant", "co": 320, "aArc": 6}
    return replay([message(f"board-{device:03}", idx=step, at=30 * step, pcbTemp=80.0 + device / 10, **hazard)
                   for step in range(2 * MINUTES) for device in range(DEVICES)])


def test_site_on_fire_is_one_alert(storm: dict[str, Rows]) -> None:
    clusters = [row for row in storm["alerts"] if row["alert_type"] == "SITE_CLUSTER" and row["transition"] == "OPENED"]
    assert [(row["subject"], row["subject_kind"]) for row in clusters] == [("plant", "SITE")]


def test_device_opens_one_alert_per_type(storm: dict[str, Rows]) -> None:
    opened = Counter((row["subject"], row["alert_type"]) for row in storm["alerts"] if row["transition"] == "OPENED")
    assert set(opened.values()) == {1}
    assert sum(kind == "TEMPERATURE_CRITICAL" for _, kind in opened) == DEVICES


def test_pairs_of_a_site_are_bounded(storm: dict[str, Rows]) -> None:
    rows = Counter(row["window_end"] for row in storm["device_correlations"])
    assert max(rows.values()) == MOST_PAIRS == 190


def test_number_of_candidates_per_device_and_minute_does_not_depend_on_the_rate_of_readings(storm: dict[str, Rows]) -> None:
    rows = Counter((row["subject"], row["event_time"][:16], row["cause"], row["alert_type"]) for row in storm["candidates"])
    assert max(rows.values()) <= 2
