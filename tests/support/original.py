"""The test messages of the original design: its sample, its end-to-end message and its load."""

from __future__ import annotations

import random
from typing import Any

SAMPLE: dict[str, Any] = {
    "deviceId": "TEST001", "idx": 1, "status": 0, "volt": 220.0, "voltLow": 220.0, "ct": 5.0, "zct": 0.5, "rzct": 0.3, "pwr": 1.1,
    "pcbTemp": 35.0, "sensorTemp": 37.0, "co": 5.0, "voc": 50.0, "pFct": 0.95, "aArc": 0, "timestamp": "2024-01-01T12:00:00Z"}
"""A message of a device in normal operation."""
END_TO_END: dict[str, Any] = {
    "deviceId": "TEST_1735689600", "idx": 1, "status": 2048, "volt": 225.0, "voltLow": 225.0, "ct": 15.0, "zct": 2.0, "rzct": 1.5,
    "pwr": 3.375, "pcbTemp": 55.0, "sensorTemp": 58.0, "co": 12.0, "voc": 200.0, "pFct": 0.92, "aArc": 3}
"""A message with the arc alarm and three arcs, without a timestamp."""


def load(devices: int, seed: int) -> list[dict[str, Any]]:
    """Returns one message per device with random values within the ranges of the design's high-load test."""
    chance = random.Random(seed)
    return [{"deviceId": f"LOAD_TEST_{number}", "idx": chance.randint(1, 1000),
             "status": chance.choice([0, 1, 2, 4, 8, 16, 32, 64]), "volt": chance.uniform(200, 240),
             "voltLow": chance.uniform(180, 200), "ct": chance.uniform(0, 50), "zct": chance.uniform(0, 10),
             "rzct": chance.uniform(0, 5), "pwr": chance.uniform(0, 10), "pcbTemp": chance.uniform(20, 80),
             "sensorTemp": chance.uniform(20, 80), "co": chance.uniform(0, 30), "voc": chance.uniform(0, 1000),
             "pFct": chance.uniform(0.7, 1.0), "aArc": chance.randint(0, 10)}
            for number in range(devices)]
