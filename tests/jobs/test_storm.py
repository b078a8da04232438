"""A site on fire causes one alert for the site, one per device and alert type, and a bounded number of rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

import pytest

from tests.conftest import Rows, epoch_ms, message
from udfs.readings.thresholds import CLUSTER_NAMES, PAIRED_DEVICES

DEVICES, MINUTES = 100, 10


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


def test_riskiest_devices_are_compared_with_all_of_their_site(storm: dict[str, Rows]) -> None:
    risks: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in storm["device_minutes"]:
        for end in (epoch_ms(row["minute_end"]), epoch_ms(row["minute_end"]) + 60_000):
            risks[end][row["device_id"]] = max(risks[end][row["device_id"]], row["risk_score"])
    expected = Counter((end, *pair) for end, devices in risks.items() for pair in pairs(devices))
    found = Counter((epoch_ms(row["window_end"]), row["device1"], row["device2"]) for row in storm["device_correlations"])
    assert found == expected
    assert {row["devices_left_out"] for row in storm["device_correlations"]} == {DEVICES - PAIRED_DEVICES}


def pairs(risks: Mapping[str, float]) -> set[tuple[str, ...]]:
    """Returns each of the riskiest devices together with every other one, as pairs in the order of texts."""
    riskiest = sorted(risks, key=lambda device: (-risks[device], device))[:PAIRED_DEVICES]
    return {tuple(sorted((device, other))) for device in riskiest for other in risks if other != device}


def test_alert_of_the_site_names_its_riskiest_devices(storm: dict[str, Rows]) -> None:
    (opened,) = [row for row in storm["alerts"] if row["alert_type"] == "SITE_CLUSTER" and row["transition"] == "OPENED"]
    names = opened["device_names"].split("\n")
    assert len(names) == CLUSTER_NAMES and set(names) <= {f"board-{device:03}" for device in range(DEVICES)}
    assert f"Devices: {', '.join(names)} and {DEVICES - CLUSTER_NAMES} more." in opened["message_en"]


def test_number_of_candidates_per_device_and_minute_does_not_depend_on_the_rate_of_readings(storm: dict[str, Rows]) -> None:
    rows = Counter((row["subject"], row["event_time"][:16], row["cause"], row["alert_type"]) for row in storm["candidates"])
    assert max(rows.values()) <= 2
