"""The counterparts of the original design's own unit tests; its end-to-end and load tests run in test_end_to_end.py."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from core.installation import ROOT
from tests.support import original
from udfs.readings.scoring import LEVELS

OVERVOLTAGE = 1


def scored(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the readings of messages, none of which may be refused."""
    given = "".join(f"{json.dumps(message)}\n" for message in messages)
    done = subprocess.run([sys.executable, "-m", "commands.cli", "score"], input=given, capture_output=True, text=True, cwd=ROOT,
                          check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def readings() -> list[dict[str, Any]]:
    hot = original.SAMPLE | {"pcbTemp": 70.0, "sensorTemp": 72.0}
    overvoltage = original.SAMPLE | {"status": OVERVOLTAGE}
    return scored(original.SAMPLE, overvoltage, hot, original.END_TO_END, *original.load(100, seed=2))


def test_sample_is_read_field_by_field(readings: list[dict[str, Any]]) -> None:
    sample = readings[0]
    assert (sample["device_id"], sample["voltage"], sample["current"], sample["power_factor"]) == ("TEST001", 220.0, 5.0, 0.95)
    assert (sample["risk_level"], sample["event_time"]) == ("NORMAL", "2024-01-01T12:00:00.000Z")


def test_status_bit_0_is_one_alarm(readings: list[dict[str, Any]]) -> None:
    assert (readings[1]["status_bits"], readings[1]["total_alarm_count"]) == (OVERVOLTAGE, 1)


def test_heat_is_a_risk_above_one_half(readings: list[dict[str, Any]]) -> None:
    assert readings[2]["risk_score"] > 0.5


def test_arc_alarm_with_three_arcs_is_read_unchanged(readings: list[dict[str, Any]]) -> None:
    assert (readings[3]["status_bits"], readings[3]["arc_count"], readings[3]["alert_type"]) == (2048, 3, "ARC_DETECTED")


def test_scores_of_a_hundred_random_devices_are_between_0_and_1(readings: list[dict[str, Any]]) -> None:
    load = readings[4:]
    assert len(load) == 100
    assert all(0 <= reading["risk_score"] <= 1 and reading["risk_level"] in LEVELS for reading in load)
    assert {reading["risk_level"] for reading in load} > {"CRITICAL", "HIGH"}
