"""The SQL function's own duties: one row per message, and one idea of the time."""

from __future__ import annotations

import json

import pandas as pd

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
