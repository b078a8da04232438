"""The SQL function's own duties: one row per message, and one idea of the time."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyflink.table.types import create_arrow_schema
from pyflink.table.utils import pandas_to_arrow

from jobs import garbage
from tests.test_telemetry import FIELDS as MESSAGE_FIELDS
from tests.test_telemetry import JSON
from udfs.functions import FIELDS, decode

AT = pd.Timestamp("2025-10-09T09:00:00")


def decoded(message: object, stream: pd.Timestamp = AT, record: pd.Timestamp | None = None) -> pd.Series:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    times = (pd.Series([time], dtype="datetime64[ms]") for time in (record, AT + pd.Timedelta(days=1), stream))
    return decode(pd.Series([raw]), *times, pd.Series([False])).iloc[0]


GOOD = {"deviceId": "dev-1", "idx": 7, "volt": 220.0, "timestamp": "2025-10-09T09:00:00Z"}


def test_accepted_message_becomes_one_row_with_every_field() -> None:
    row = decoded(GOOD)
    assert list(row.index) == list(FIELDS)
    assert (row["reason"], row["device_id"], row["idx"]) == (None, "dev-1", 7)


def test_message_that_the_stream_reads_at_another_time_is_refused_as_ambiguous() -> None:
    assert "timestamp is ambiguous" in decoded(GOOD, stream=AT + pd.Timedelta(seconds=1))["reason"]


def test_message_without_a_time_takes_the_brokers_and_is_refused_where_there_is_none() -> None:
    timeless = {name: value for name, value in GOOD.items() if name != "timestamp"}
    assert decoded(timeless, record=AT)["reason"] is None
    assert decoded(timeless)["reason"] == "timestamp is absent, and a file has no record time"


def test_rubbish_keeps_its_row() -> None:
    assert decoded(b"\xff")["reason"].startswith("message is not JSON")


def crosses_to_flink(messages: list[bytes]) -> None:
    """Does what a Python worker does with the function's result: an error there would restart the job for ever."""
    at = pd.Series([AT] * len(messages), dtype="datetime64[ms]")
    rows = decode(pd.Series(messages, dtype=object), at, at, at, pd.Series([False] * len(messages)))
    columns = [rows[name] for name in FIELDS]
    pandas_to_arrow(create_arrow_schema(list(FIELDS), list(FIELDS.values())), "UTC", list(FIELDS.values()), columns)


@pytest.mark.parametrize("kind", garbage.KINDS)
def test_every_kind_of_rubbish_crosses_to_flink_alone_and_among_good_messages(kind: str) -> None:
    good = json.dumps(GOOD).encode()
    rubbish = garbage.malformed(kind, GOOD | {"siteId": "s", "timestamp": 1_760_000_400_000})
    crosses_to_flink([rubbish])
    crosses_to_flink([good, rubbish, good])


@given(st.lists(st.dictionaries(st.sampled_from(MESSAGE_FIELDS), JSON, max_size=6).map(
    lambda message: json.dumps(GOOD | message).encode()), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_whatever_the_fields_hold_crosses_to_flink(messages: list[bytes]) -> None:
    crosses_to_flink(messages)
