"""The JSON Schemas of the topics are valid, strict for the project's own output, and have examples that satisfy them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from contract.topics import TOPICS
from core.installation import ROOT
from udfs.readings import documents

SCHEMAS = ROOT / "infra" / "schemas"
OURS = [topic.name for topic in TOPICS if topic.name != "telemetry"]


def schema(topic: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{topic}.schema.json").read_text(encoding="utf-8"))
    return loaded


def example(topic: str) -> dict[str, Any]:
    first: dict[str, Any] = schema(topic)["examples"][0]
    return first


def test_every_topic_has_a_schema_and_every_schema_a_topic() -> None:
    assert {file.name.removesuffix(".schema.json") for file in SCHEMAS.iterdir()} == {topic.name for topic in TOPICS}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_a_schema_is_valid_and_so_are_its_examples(topic: str) -> None:
    Draft202012Validator.check_schema(schema(topic))
    assert schema(topic)["examples"]
    for each in schema(topic)["examples"]:
        jsonschema.validate(each, schema(topic), Draft202012Validator)


@pytest.mark.parametrize("topic", OURS)
def test_written_rows_have_all_fields_and_no_others(topic: str) -> None:
    declared = schema(topic)
    assert declared["additionalProperties"] is False
    assert declared["required"] == list(declared["properties"])
    assert declared["properties"]["schema_version"] == {"const": 1}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_the_key_of_a_topic_is_a_required_field(topic: str) -> None:
    key = next(each.key for each in TOPICS if each.name == topic)
    assert key == "" or key in schema(topic)["required"]


WRONG = [
    ("readings", {"event_time": "2025-10-09T09:00:00Z"}), ("readings", {"event_time": "2025-13-09T09:00:00.000Z"}),
    ("readings", {"risk_score": 1.1}), ("readings", {"risk_level": "SEVERE"}), ("readings", {"idx": 1.5}),
    ("readings", {"device_id": ""}), ("readings", {"device_id": "a\u0000"}), ("readings", {"voltage": "220"}),
    ("readings", {"is_valid": False}), ("readings", {"invalid_fields": ["voltage"]}), ("readings", {"arc_count": -1}),
    ("device-minutes", {"record_count": 0}), ("device-5min-aggregates", {"temp_stddev": -0.1}),
    ("candidates", {"level": None}), ("candidates", {"level": "LOW"}), ("candidates", {"kind": "MINUTE"}),
    ("alerts", {"transition": "FORGOTTEN"}), ("alerts", {"explanation": [{"name": "voltage"}]}),
    ("alert-state", {"transition": "OPENED"}), ("temperature-rises", {"temperature_rise": 0}),
    ("early-heat", {"level": "CRITICAL"}), ("early-heat", {"noise": 0}),
    ("temperature-anomalies", {"stddev": None}), ("co-exposure", {"minutes_10min": 11}), ("risk-spikes", {"risk_change": -0.4}),
    ("arc-patterns", {"total_arcs_10min": 0}), ("device-correlations", {"site_id": None}), ("site-risk", {"devices": 0}),
    ("device-patterns", {"minutes": 9}), ("device-patterns", {"trend": "UP"}), ("device-minutes", {"risk_modifier": 2.1}),
    ("dead-letters", {"message": "not base64!"}), ("dead-letters", {"reason": ""}),
    ("telemetry", {"deviceId": ""}), ("telemetry", {"volt": "many"}), ("telemetry", {"status": -1}),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "wrong"), WRONG)
def test_a_row_that_breaks_the_contract_is_refused(topic: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example(topic) | wrong, schema(topic), Draft202012Validator)


ODD = [b'{"deviceId":"meter","idx":1,"timestamp":1760032800000,"volt":220}',
       b'{"deviceId":"float","idx":1,"timestamp":1760032800000,"sensorTemp":3.4028234663852886e38}',
       b'{"deviceId":"large","idx":1,"timestamp":1760032800000,"ct":1e308,"volt":1000,"pwr":-1e308,"pFct":-1,"humidity":40}',
       b'{"deviceId":" odd ","idx":7.0,"timestamp":1.7600328e12,"status":65535,"siteId":" ","co":NaN,"aArc":null,"voc":"none"}']


def test_every_reading_of_the_vectors_and_of_odd_messages_satisfies_the_published_schema() -> None:
    vectors = (ROOT / "tests" / "vectors" / "single_readings.jsonl").read_text(encoding="utf-8").splitlines()
    messages = [*(json.dumps(json.loads(line)["message"]).encode() for line in vectors), *ODD]
    validator = Draft202012Validator(schema("readings"))
    for row, is_accepted in documents.score(messages, "vectors"):
        assert is_accepted, row
        row["is_late"] = False
        validator.validate({name: row[name] for name in validator.schema["properties"]})


def test_a_message_that_measures_nothing_is_refused() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"deviceId": "dev-1", "idx": 1}, schema("telemetry"), Draft202012Validator)


def test_an_update_of_an_alert_has_the_fields_of_an_alert() -> None:
    assert schema("alert-state")["required"] == schema("alerts")["required"]
