"""A window's alert shows its worst reading: the texts sort as readings do, and the alert job fills its columns from them."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from tests.udfs.test_lifecycle import Row, context, transitions
from udfs.alerts.candidates import Candidate, read
from udfs.alerts.fields import CandidateError
from udfs.readings import decode
from udfs.readings.worst import worst_readings
from udfs.registry.format import parse
from udfs.registry.registry import NONE, Registry

AT_MS = 1_760_000_400_000
HOME = parse(json.dumps({"devices": {"dev-1": {"profile": "home"}},
                         "profiles": {"home": {"nominal_voltage": 110}}}).encode())


def texts(*messages: Row, registry: Registry = NONE) -> list[Any]:
    made = [json.dumps({"deviceId": "dev-1", "idx": 1, "timestamp": AT_MS} | message).encode() for message in messages]
    readings = decode.read(made, registry=registry)
    assert not np.any(readings.reason), readings.reason
    found: list[Any] = worst_readings(readings.columns, readings.reason == None).tolist()  # noqa: E711
    return found


WORSE_AND_WORSE = (
    {"pcbTemp": 45}, {"pcbTemp": 46}, {"pcbTemp": 46, "timestamp": AT_MS + 1}, {"pcbTemp": 46, "timestamp": AT_MS + 1, "idx": 2},
    {"pcbTemp": 55}, {"zct": 40, "pcbTemp": -20}, {"zct": 40, "pcbTemp": 20}, {"pcbTemp": 61},
    {"pcbTemp": 70}, {"pcbTemp": 700},
)  # fmt: skip


def test_worse_reading_has_the_greater_text() -> None:
    made = texts(*WORSE_AND_WORSE)
    shuffled = random.Random(1).sample(made, len(made))
    assert sorted(shuffled) == made


def test_plain_reading_has_none_and_a_broken_sensor_one() -> None:
    plain, broken, out_of_range, disconnected = texts({"pcbTemp": 25, "volt": 220}, {"pcbTemp": -127, "volt": 220},
                                                      {"pcbTemp": -20}, {"status": 8192})
    assert plain is None
    assert None not in (broken, out_of_range, disconnected)


def test_text_has_what_was_measured_and_the_limits_that_judged_it() -> None:
    [text] = texts({"pcbTemp": 45, "zct": 12.5, "volt": 111.5, "aArc": 2}, registry=HOME)
    row = json.loads(text)
    assert (row["leakage_current"], row["voltage"], row["arc_count"], row["max_temperature"]) == (12.5, 111.5, 2, 45)
    assert "co_gas" not in row
    assert "limits" in row


def test_alert_of_a_window_shows_and_explains_its_worst_reading() -> None:
    [text] = texts({"pcbTemp": 55, "zct": 12.5, "volt": 221.5, "status": 8})
    [opened] = transitions([context(1, worst_reading=text)])
    shown = [opened[name] for name in ("leakage_current", "voltage", "status_bits", "max_temperature")]
    assert shown == [12.5, 221.5, 8, 55]
    names = [each["name"] for each in opened["explanation"]]
    assert names[0] == "risk_modifier"
    assert {"leakage_current", "pcb_temperature", "total_leakage"} <= set(names)


def test_what_the_window_says_itself_is_kept() -> None:
    [text] = texts({"pcbTemp": 55, "co": 30})
    candidate = read(context(1, co_gas=120.5, worst_reading=text))
    assert isinstance(candidate, Candidate)
    assert (candidate.evidence["co_gas"], candidate.evidence["max_temperature"]) == (120.5, 55)


@pytest.mark.parametrize(("text", "sentence"), [
    ("{", "worst_reading cannot be used: candidate is not JSON"), ("[]", "candidate must be a JSON object"),
    ('{"voltage": "x"}', "voltage must be a finite number"), (5, "worst_reading must be a text"),
])  # fmt: skip
def test_unusable_text_is_refused(text: object, sentence: str) -> None:
    with pytest.raises(CandidateError, match=sentence):
        read(context(1, worst_reading=text))
