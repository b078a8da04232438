"""Rows that are not candidates are refused with the field and the rule, and leave the state unchanged."""

from __future__ import annotations

import pytest

from tests.udfs.test_lifecycle import Row, minute, reading, time, transitions
from udfs.alerts.fields import CandidateError
from udfs.alerts.lifecycle import advance
from udfs.alerts.state import State


@pytest.mark.parametrize(("change", "sentence"), [
    ({"kind": "OTHER"}, 'kind must be CANDIDATE or MINUTE, not "OTHER"'),
    ({"subject": ""}, "subject must be a text that is not empty"),
    ({"subject": "dev-\ud800"}, "subject must be a text"),
    ({"subject": "한" * 86}, "subject must be a text of at most 256 bytes in UTF-8"),
    ({"site_id": "𒀀" * 65}, "site_id must be a text of at most 256 bytes in UTF-8"),
    ({"site_id": 7}, "site_id must be a text"),
    ({"alert_type": None}, "alert_type must be a text"),
    ({"level": "SEVERE"}, "level must be MEDIUM, HIGH or CRITICAL"),
    ({"level": "LOW"}, 'level must be MEDIUM, HIGH or CRITICAL, not "LOW"'),
    ({"subject_kind": "ZONE"}, 'subject_kind must be DEVICE or SITE, not "ZONE"'),
    ({"cause": None}, "cause must be a text"),
    ({"cause": "device_minutes", "idx": None, "risk_modifier": "1"}, "risk_modifier must be a finite number"),
    ({"devices": 1.5}, "devices must be a whole number"),
    ({"is_held": "yes"}, 'is_held must be true or false, not "yes"'),
    ({"last_seen": "yesterday"}, "last_seen cannot be read"),
    ({"profile_version": 3}, "profile_version must be a text"),
    ({"risk_score": None}, "risk_score must be a number, not null"),
    ({"risk_score": float("nan")}, "risk_score must be a finite number"),
    ({"event_time": "yesterday"}, "event_time cannot be read: 'yesterday'"),
    ({"event_time": 1760000400000}, "event_time must be a text"),
    ({"idx": "5"}, "idx must be a whole number"),
    ({"idx": True}, "idx must be a whole number"),
    ({"voltage": "220"}, 'voltage must be a finite number or null, not "220"'),
    ({"voltage": 10**400}, "voltage must be a finite number"),
    ({"status_bits": 1.5}, "status_bits must be a whole number"),
    ({"sensor_fault": "co_gas"}, 'sensor_fault must be a name, a space and a number, not "co_gas"'),
    ({"sensor_fault": "co_gas high"}, "sensor_fault must be a name, a space and a number"),
    ({"worst_reading": "{"}, "worst_reading cannot be used"),
    ({"device_names": ["dev-1"]}, "device_names must be a text"),
])  # fmt: skip
def test_unusable_candidate_is_refused_with_its_field_and_changes_nothing(change: Row, sentence: str) -> None:
    state = State()
    transitions([reading(1)], state)
    before = state.dumps()
    with pytest.raises(CandidateError) as refused:
        advance(state, reading(2, level="CRITICAL") | change)
    assert sentence in str(refused.value)
    assert state.dumps() == before


def test_minute_that_ends_within_a_minute_is_refused() -> None:
    with pytest.raises(CandidateError, match="must end a whole minute"):
        advance(State(), minute(1) | {"event_time": time(61)})


@pytest.mark.parametrize("field", ["kind", "subject", "subject_kind", "cause", "alert_type", "level", "risk_score", "event_time",
                                   "idx"])
def test_candidate_without_a_required_field_is_refused(field: str) -> None:
    row = reading(1)
    del row[field]
    with pytest.raises(CandidateError, match=field):
        advance(State(), row)
