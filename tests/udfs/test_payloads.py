"""Finished messages hold what the columns of the same batch hold, in the shape of their topics."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.declared import CONTRACT
from contract.render_json_schema import schema
from tests.conftest import VECTORS, message, rows
from tests.udfs.test_decode import FIELDS as MESSAGE_FIELDS
from tests.udfs.test_decode import JSON
from tests.udfs.test_functions import REGISTRY
from udfs.readings import decode, event_time, payloads
from udfs.readings.functions import decode_batch

DAY = 86_400_000
HOT = {"pcbTemp": 85.5, "sensorTemp": 61, "zct": 31.25, "co": 0, "siteId": "s", "verifySts": 3}
EXTREMES = {"volt": -0.0, "ct": 5e-324, "rzct": 1.7976931348623157e308, "pwr": 0.1 + 0.2, "voc": "1e3", "aArc": 2**53,
            "status": 4096}


def decoded(messages: list[bytes], results_in: str, is_late: bool = False) -> list[dict[str, Any]]:
    """Returns the rows of a batch; every message arrives late by a day, so that no time is refused."""
    times = pd.Series(decode.read(messages).columns["event_ms"].astype("datetime64[ms]"))
    keys, late = pd.Series([None] * len(messages), dtype=object), pd.Series([is_late] * len(messages))
    found: list[dict[str, Any]] = decode_batch(pd.Series(messages, dtype=object), keys, times, times + pd.Timedelta(DAY, "ms"),
                                               times, late, REGISTRY, results_in).to_dict("records")
    return [row | {"event_time": time} for row, time in zip(found, event_time.to_iso(times.to_numpy().astype(np.int64)),
                                                            strict=True)]


def expected(result: str, row: dict[str, Any], **own: Any) -> dict[str, Any]:
    """Returns the columns of a row in the shape of a result's topic, as the topic's declaration alone says."""
    return {column.name: own[column.name] if column.name in own else shaped(row.get(column.name), column.type)
            for column in CONTRACT.result(result).columns}


def shaped(value: Any, type_: str) -> Any:
    if type_ == "words":
        return value.split(",") if value else []
    missing = value is None or value != value
    return None if missing else int(value) if type_ == "whole" else value


def assert_agrees(messages: list[bytes]) -> None:
    for is_late in (False, True):
        columns, finished = (decoded(messages, results_in, is_late) for results_in in ("kinesis", "kafka"))
        for row, made in zip(columns, finished, strict=True):
            assert (made["payload"] is None) == (row["reason"] is not None)
            assert (made["candidate"] is None) == (row["reason"] is not None or row["risk_level"] not in ("HIGH", "CRITICAL"))
            if made["payload"] is not None:
                same(made["payload"], expected("readings", row, schema_version=1))
            if made["candidate"] is not None:
                same(made["candidate"], expected("candidates", row, schema_version=1, kind="CANDIDATE", subject_kind="DEVICE",
                                                 subject=row["device_id"], cause="readings", level=row["risk_level"],
                                                 worst_reading=None, sensor_fault=None))


def same(text: bytes, row: dict[str, Any]) -> None:
    """Compares names in their order, and values with their types."""
    assert [*map(repr, json.loads(text).items())] == [*map(repr, row.items())]


def test_message_of_a_reading_and_its_candidate_hold_every_field_of_their_topics() -> None:
    hot, extreme, cool, refused = message(**HOT), message(**HOT | EXTREMES, deviceId='é"\\🔥 '), message(), b"{"
    assert_agrees([hot, extreme, cool, refused])
    finished = decoded([hot], "kafka")
    for result, field in (("readings", "payload"), ("candidates", "candidate")):
        jsonschema.validate(json.loads(finished[0][field]), schema(CONTRACT.result(result)))


@pytest.mark.parametrize("file", ["stream.jsonl.gz", "single_readings.jsonl", "malformed.jsonl"])
def test_messages_of_the_vectors_agree_with_their_columns(file: str) -> None:
    assert_agrees([row["bytes"].encode() if "bytes" in row else json.dumps(row.get("message", row)).encode()
                   for row in rows(VECTORS / file)])


@given(st.lists(st.dictionaries(st.sampled_from(MESSAGE_FIELDS), JSON, max_size=6).map(
    lambda fields: json.dumps({"deviceId": "dev-1", "idx": 7, "timestamp": 1_760_000_400_000} | HOT | fields).encode()),
    min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_messages_agree_with_their_columns_whatever_a_device_sends(messages: list[bytes]) -> None:
    assert_agrees(messages)


def test_batch_longer_than_what_is_written_at_a_time_keeps_its_order() -> None:
    length = 2 * payloads.ROWS_AT_A_TIME + 1
    finished = decoded([message(idx=idx, at=idx) if idx % 7 else b"" for idx in range(length)], "file")
    assert [json.loads(row["payload"])["idx"] for row in finished if row["payload"]] == [idx for idx in range(length) if idx % 7]
