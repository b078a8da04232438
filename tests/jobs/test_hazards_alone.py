"""Each hazard alone, for forty minutes through the real jobs: which alert, at which level, and when; the README has the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from core.installation import ROOT
from tests.conftest import Rows, epoch_ms, message

MINUTES, EVERY = 40, 10
START_MS = 1_760_000_400_000
PLAIN: dict[str, float] = {"volt": 220.0, "ct": 5.0, "zct": 0.5, "rzct": 0.1, "pcbTemp": 30.0, "sensorTemp": 28.0, "co": 1.0,
                           "voc": 50.0, "aArc": 0, "status": 0}
AT_ONCE, MINUTE, TWO, NINE = "at once", "1 min", "2 min", "9 min"
AFTER = {AT_ONCE: 0, MINUTE: 60, TWO: 120, NINE: 540}


class Hazard(NamedTuple):
    """A row of the table: what devices measure, each one thing alone, and the alert that must come of each."""

    name: str
    measured: tuple[dict[str, float], ...]
    alert_type: str
    level: str
    after: str

    @property
    def row(self) -> str:
        """The row as the README has it."""
        return f"| {self.name} | `{self.alert_type}` | {self.level} | {self.after} |"


HAZARDS = (
    Hazard("T > 65 °C", ({"pcbTemp": 65.1}, {"sensorTemp": 65.1}), "TEMPERATURE_CRITICAL", "CRITICAL", AT_ONCE),
    Hazard("T > 60 °C, or a temperature alarm", ({"pcbTemp": 60.1}, {"sensorTemp": 60.1}, {"status": 64}, {"status": 128}),
           "TEMPERATURE_CRITICAL", "HIGH", AT_ONCE),
    Hazard("more than 5 arcs in a reading, or the arc alarm", ({"aArc": 6}, {"status": 2048}), "ARC_DETECTED", "HIGH", AT_ONCE),
    Hazard("an arc in every reading", ({"aArc": 1},), "ARC_MAINTENANCE", "MEDIUM", TWO),
    Hazard("leakage ≥ 300 mA, or five alarms at once", ({"zct": 300}, {"rzct": 300}, {"status": 31}), "ELECTRICAL_LEAKAGE",
           "CRITICAL", AT_ONCE),
    Hazard("leakage ≥ 30 mA", ({"zct": 30}, {"rzct": 30}), "ELECTRICAL_LEAKAGE", "HIGH", AT_ONCE),
    Hazard("a leakage alarm", ({"status": 8}, {"status": 16}), "ELECTRICAL_LEAKAGE", "MEDIUM", MINUTE),
    Hazard("CO ≥ 300 ppm, or > 25 ppm with VOC > 600 µg/m³", ({"co": 300}, {"co": 25.1, "voc": 600.1}), "GAS_DETECTION",
           "CRITICAL", AT_ONCE),
    Hazard("the CO alarm", ({"status": 256},), "GAS_DETECTION", "HIGH", AT_ONCE),
    Hazard("100 ppm CO", ({"co": 100},), "CO_EXPOSURE", "HIGH", NINE),
    Hazard("the VOC alarm", ({"status": 512},), "GAS_DETECTION", "MEDIUM", MINUTE),
    Hazard("more than 1.2 × nominal voltage", ({"volt": 264.1},), "OVERVOLTAGE", "HIGH", AT_ONCE),
    Hazard("the overvoltage alarm", ({"status": 1},), "OVERVOLTAGE", "MEDIUM", MINUTE),
    Hazard("more than 1.45 × rated current", ({"ct": 145.1}, {"ct": 180}), "OVERCURRENT", "HIGH", MINUTE),
    Hazard("the overcurrent alarm", ({"status": 4},), "OVERCURRENT", "MEDIUM", MINUTE),
    Hazard("the power outage alarm", ({"status": 2},), "POWER_OUTAGE", "MEDIUM", MINUTE),
    Hazard("a sensor's error code (−127 °C, 9999 ppm …)", ({"sensorTemp": -127}, {"co": 9999}, {"volt": 1001}), "SENSOR_FAULT",
           "MEDIUM", MINUTE),
    Hazard("a communication error", ({"status": 4096}, {"status": 65535}), "COMMUNICATION_ERROR", "MEDIUM", MINUTE),
)
HARMLESS: tuple[dict[str, float], ...] = ({}, {"co": 50}, {"ct": 113.1}, {"zct": 8}, {"volt": 264}, {"pcbTemp": 60})
"""What must raise nothing for forty minutes, at or below a limit, or not for long enough."""
FOLLOWS = {"ARC_DETECTED": {"ARC_MAINTENANCE"}, "GAS_DETECTION": {"CO_EXPOSURE"}}
"""Alert type → types that the same hazard raises later, if it is measured and not only reported."""


def device(hazard: Hazard, number: int) -> str:
    return f"{hazard.name}/{number}"


def fleet() -> dict[str, dict[str, float]]:
    """Returns what each device measures."""
    devices = {device(hazard, number): measured for hazard in HAZARDS for number, measured in enumerate(hazard.measured)}
    return devices | {f"harmless/{number}": measured for number, measured in enumerate(HARMLESS)}


LASTING = tuple(hazard for hazard in HAZARDS if hazard.after == MINUTE)
ENDS_AFTER = 10
"""Minutes after which the hazards of some devices end."""


@pytest.fixture(scope="module")
def opened(replay: Callable[..., dict[str, Rows]]) -> dict[str, Rows]:
    """Returns by device the first row of each of its alerts."""
    sent: list[bytes] = []
    for number in range(60 * MINUTES // EVERY):
        at = EVERY * number
        ending = {f"{hazard.name}/ends": hazard.measured[0] if at < 60 * ENDS_AFTER else {} for hazard in LASTING}
        sent += [message(name, idx=number, at=at, **(PLAIN | measured)) for name, measured in (fleet() | ending).items()]
    sent += [message("last", idx=number, at=60 * MINUTES + EVERY * number, **PLAIN) for number in range(10)]
    alerts = replay(sent)["alerts"]
    names = [*fleet(), *(f"{hazard.name}/ends" for hazard in LASTING)]
    return {name: [row for row in alerts if row["subject"] == name and row["transition"] != "REMINDED"] for name in names}


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: str(hazard.name))
def test_hazard_alone_raises_its_alert_which_stays_open(hazard: Hazard, opened: dict[str, Rows]) -> None:
    for number in range(len(hazard.measured)):
        alert, *more = opened[device(hazard, number)]
        assert (alert["alert_type"], alert["level"], alert["transition"]) == (hazard.alert_type, hazard.level, "OPENED")
        assert epoch_ms(alert["event_time"]) - START_MS == 1000 * AFTER[hazard.after]
        assert {row["alert_type"] for row in more} <= FOLLOWS.get(hazard.alert_type, set())


@pytest.mark.parametrize("hazard", LASTING, ids=lambda hazard: str(hazard.name))
def test_alert_of_what_lasted_is_cleared_after_five_quiet_minutes(hazard: Hazard, opened: dict[str, Rows]) -> None:
    rows = [row for row in opened[f"{hazard.name}/ends"] if row["alert_type"] == hazard.alert_type]
    assert [(row["transition"], (epoch_ms(row["event_time"]) - START_MS) / 60_000) for row in rows] == [
        ("OPENED", 1), ("CLEARED", ENDS_AFTER + 5)]


@pytest.mark.parametrize("number", range(len(HARMLESS)))
def test_what_is_no_hazard_raises_nothing(number: int, opened: dict[str, Rows]) -> None:
    assert opened[f"harmless/{number}"] == []


def test_the_readme_has_each_hazard_with_its_alert() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("| for forty minutes, and nothing else | alert type | level | after |") + 2
    assert lines[begin:begin + len(HAZARDS)] == [hazard.row for hazard in HAZARDS]
