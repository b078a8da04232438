"""AWS IoT: who may publish a device's message, and what the rule passes to the decoder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from infra.aws.layers import HERE, load
from udfs.readings import decode

TEMPLATE = load(HERE / "templates/iot.yaml")["Resources"]
SQL = TEMPLATE["Rule"]["Properties"]["TopicRulePayload"]["Sql"]
NOW = 1_760_000_400_000
CALM = {"deviceId": "TEST001", "idx": 1, "status": 0, "volt": 220.0, "voltLow": 220.0, "ct": 5.0, "zct": 0.5, "rzct": 0.3,
        "pwr": 1.1, "pcbTemp": 35.0, "sensorTemp": 37.0, "co": 5.0, "voc": 50.0, "pFct": 0.95, "aArc": 0,
        "timestamp": "2024-01-01T12:00:00Z"}
ARCING = {"deviceId": "TEST_1", "idx": 1, "status": 2048, "volt": 225.0, "voltLow": 225.0, "ct": 15.0, "zct": 2.0, "rzct": 1.5,
          "pwr": 3.375, "pcbTemp": 55.0, "sensorTemp": 58.0, "co": 12.0, "voc": 200.0, "pFct": 0.92, "aArc": 3}
RENAMED = {"ct": "current", "zct": "leakage_current", "rzct": "resistive_leakage", "pwr": "power", "pFct": "power_factor",
           "aArc": "arc_count"}
AS_THEY_ARE = {"deviceId", "idx", "status", "volt", "voltLow", "pcbTemp", "sensorTemp", "co", "voc"}


def columns() -> dict[str, str]:
    """Returns the rule's expressions by their name in the result; knows only the forms that the rule uses."""
    select = re.fullmatch(r"SELECT (.*) FROM '(.*)'", SQL)
    assert select is not None, "the rule has no other clause, and above all no WHERE"
    assert select[2] == "fire-prediction/device/+/data"
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", select[1])]
    return {part.rpartition(" AS ")[2]: part.rpartition(" AS ")[0] or part for part in parts}


def through_rule(message: Mapping[str, Any], topic: str) -> dict[str, Any]:
    """Returns the rule's result for a message; omits undefined fields, as AWS IoT does."""
    functions = {"timestamp()": NOW, "topic(3)": topic.split("/")[2]}
    out = {}
    for name, expression in columns().items():
        case = re.fullmatch(r"CASE isUndefined\((\w+)\) WHEN true THEN (.+) ELSE (\w+) END", expression)
        if case:
            expression = case[3] if case[1] in message else case[2]
        if expression in functions or expression in message:
            out[name] = functions.get(expression, message.get(expression))
    return out


def decoded(message: Mapping[str, Any], device: str | None = None) -> decode.Readings:
    topic = f"fire-prediction/device/{device or message['deviceId']}/data"
    return decode.read([json.dumps(through_rule(message, topic)).encode()], arrived_ms=np.array([NOW]))


def test_rule_keeps_the_original_names_and_aliases_and_drops_nothing() -> None:
    expressions = columns()
    assert {name: expression for name, expression in expressions.items() if name in RENAMED.values()} == {
        alias: name for name, alias in RENAMED.items()}
    assert all(expressions[name] == name for name in AS_THEY_ARE)
    assert "WHERE" not in SQL and expressions["topicDeviceId"] == "topic(3)" and "timestamp()" in expressions["timestamp"]


def test_every_column_is_a_spelling_that_the_decoder_reads() -> None:
    spellings = {name for names in (decode.MEASUREMENTS | decode.COUNTS).values() for name in names}
    assert set(columns()) <= spellings | {"deviceId", "siteId", "idx", "verifySts", "timestamp", "topicDeviceId"}


@pytest.mark.parametrize("message", [CALM, ARCING], ids=["calm", "arcing"])
def test_renamed_sample_is_scored_like_the_original(message: dict[str, Any]) -> None:
    renamed, plain = decoded(message), decode.read([json.dumps({"timestamp": NOW} | message).encode()])
    assert renamed.reason.tolist() == [None]
    for name in ("voltage", "current", "leakage_current", "power", "arc_count", "risk_score", "risk_level", "event_ms"):
        assert renamed.columns[name][0] == plain.columns[name][0], name


@pytest.mark.parametrize("status", [4096, 4097, 8191])
def test_communication_error_passes_the_rule_and_is_scored(status: int) -> None:
    readings = decoded({"deviceId": "dev-1", "idx": 1, "status": status})
    assert readings.reason.tolist() == [None]
    assert readings.columns["communication_error"][0] and readings.columns["status_risk"][0] == 0.8


def test_device_keeps_its_own_time_so_that_a_repeated_message_is_the_same_reading() -> None:
    assert decoded(CALM).columns["event_ms"][0] == 1_704_110_400_000
    assert decoded(ARCING).columns["event_ms"][0] == NOW


def test_unmeasured_quantity_stays_unmeasured() -> None:
    readings = decoded({"deviceId": "dev-1", "idx": 1, "co": 3})
    assert np.isnan(readings.columns["voltage"][0]) and readings.reason.tolist() == [None]


def test_payload_in_another_devices_name_is_refused_with_both_names() -> None:
    assert decoded(CALM, device="dev-9").reason.tolist() == ["deviceId is 'TEST001', but its topic's is 'dev-9'"]


def test_record_is_partitioned_by_the_topics_device_and_undelivered_messages_are_kept() -> None:
    payload = TEMPLATE["Rule"]["Properties"]["TopicRulePayload"]
    kafka, kinesis = payload["Actions"][0]["Fn::If"][1:]
    assert kinesis["Kinesis"]["PartitionKey"] == kafka["Kafka"]["Key"] == "${topic(3)}"
    assert payload["ErrorAction"]["S3"]["Key"].startswith("undelivered/")


def allowed(action: str, resource: str, thing: str = "dev-1") -> bool:
    """Returns whether the policy allows a thing, attached to its certificate, an action on a resource.

    Its variable is filled in as AWS IoT does, then moto decides.
    """
    document = json.dumps(TEMPLATE["DevicePolicy"]["Properties"]["PolicyDocument"])
    text = document.replace("${!iot:Connection.Thing.ThingName}", thing)
    for name, value in (("Partition", "aws"), ("Region", "eu-west-1"), ("AccountId", "123456789012")):
        text = text.replace(f"${{AWS::{name}}}", value)
    policy = json.loads(text)
    for statement in policy["Statement"]:
        statement["Resource"] = statement["Resource"]["Fn::Sub"]
        del statement["Condition"]  # moto evaluates none; the test below says what it is
    arn = f"arn:aws:iot:eu-west-1:123456789012:{resource}"
    return IAMPolicy({"policy_document": json.dumps(policy)}).is_action_permitted(action, arn) == PermissionResult.PERMITTED


def test_device_may_act_as_itself() -> None:
    assert allowed("iot:Connect", "client/dev-1")
    assert allowed("iot:Publish", "topic/fire-prediction/device/dev-1/data")
    assert allowed("iot:Subscribe", "topicfilter/fire-prediction/alerts/dev-1")
    assert allowed("iot:Receive", "topic/fire-prediction/alerts/dev-1")


@pytest.mark.parametrize(("action", "resource"), [
    ("iot:Connect", "client/dev-2"),
    ("iot:Publish", "topic/fire-prediction/device/dev-2/data"),
    ("iot:Publish", "topic/fire-prediction/device/dev-1/other"),
    ("iot:Publish", "topic/fire-prediction/alerts/dev-1"),
    ("iot:Subscribe", "topicfilter/fire-prediction/alerts/#"),
    ("iot:Subscribe", "topicfilter/fire-prediction/device/dev-1/data"),
    ("iot:Receive", "topic/fire-prediction/alerts/dev-2"),
    ("iot:UpdateThingShadow", "thing/dev-1"),
])
def test_device_may_not_act_as_another_or_do_anything_else(action: str, resource: str) -> None:
    assert not allowed(action, resource)


def test_everything_that_is_allowed_needs_the_thing_attached_to_the_certificate() -> None:
    for statement in TEMPLATE["DevicePolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        assert statement["Condition"] == {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
