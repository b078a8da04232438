"""Whatever bytes arrive, the decoder refuses them with a reason or makes a reading of them that satisfies its contract."""

from __future__ import annotations

from itertools import islice

import numpy as np
from jsonschema import Draft202012Validator

from contract.declared import CONTRACT
from contract.render_json_schema import schema
from tests.support.reference import level
from tests.support.spoilt import NOW, mutants, sound_messages
from udfs import dead_letters
from udfs.alerts.candidates import SENSOR_FAULT
from udfs.readings import decode, documents

SPOILT, TOGETHER, LOOKED_AT = 300_000, 1_000, 4_000
SCORES = ("indicator_risk", "rule_risk", "status_risk", "pattern_risk", "base_risk", "floor_risk", "risk_score")


def assert_sound(batch: list[bytes]) -> int:
    """Asserts that each message is refused with a reason or scored; returns how many are scored."""
    readings = decode.read(batch, np.full(len(batch), NOW), np.full(len(batch), NOW + 1000))
    accepted = np.array([reason is None for reason in readings.reason])
    assert all(0 < len(reason) <= dead_letters.LONGEST_REASON for reason in readings.reason[~accepted])
    for name in SCORES:
        scores = readings.columns[name][accepted]
        assert ((scores >= 0) & (scores <= 1)).all(), name
    levels = list(map(level, readings.columns["risk_score"][accepted].tolist()))
    assert levels == readings.columns["risk_level"][accepted].tolist()
    assert all(readings.columns["device_id"][accepted])
    faults = [fault for fault in readings.columns["sensor_fault"][accepted] if fault is not None]
    assert all(map(SENSOR_FAULT.fullmatch, faults))
    return int(accepted.sum())


def test_each_of_three_hundred_thousand_spoilt_messages_is_refused_with_a_reason_or_scored() -> None:
    messages = mutants(sound_messages(), SPOILT, seed=12)
    scored = sum(assert_sound(list(islice(messages, TOGETHER))) for _ in range(SPOILT // TOGETHER))
    assert SPOILT / 4 < scored < SPOILT * 3 / 4


def test_readings_of_spoilt_messages_satisfy_the_published_schema() -> None:
    published = schema(CONTRACT.result("readings"))
    validator = Draft202012Validator(published)
    messages = list(islice(mutants(sound_messages(), LOOKED_AT, seed=13), LOOKED_AT))
    for row, is_accepted in documents.score(messages, "spoilt"):
        if is_accepted:
            row["event_time"] = row["event_time"] or "2025-10-09T09:00:00.000Z"
            validator.validate({name: row.get(name, False) for name in published["properties"]})
