"""The SQL function returns one row per message, and refuses a message in which SQL reads another time."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyflink.table.types import create_arrow_schema
from pyflink.table.utils import pandas_to_arrow

from commands.simulate import malformed
from tests.conftest import Rows, message
from tests.udfs.test_decode import FIELDS as MESSAGE_FIELDS
from tests.udfs.test_decode import JSON
from udfs.readings.functions import Decoder, decode_and_score, decode_batch, fields
from udfs.registry.format import RegistryError, parse
from udfs.registry.registry import NONE, Registry

AT = pd.Timestamp("2025-10-09T09:00:00")


def decoded(message: object, stream: pd.Timestamp = AT, record: pd.Timestamp | None = None, key: bytes | None = None
            ) -> pd.Series:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    times = (pd.Series([time], dtype="datetime64[ms]") for time in (record, AT + pd.Timedelta(days=1), stream))
    return decode_batch(pd.Series([raw]), pd.Series([key], dtype=object), *times, pd.Series([False])).iloc[0]


GOOD = {"deviceId": "dev-1", "idx": 7, "volt": 220.0, "timestamp": "2025-10-09T09:00:00Z"}


def test_accepted_message_becomes_one_row_with_every_field() -> None:
    row = decoded(GOOD)
    assert list(row.index) == list(fields("kafka"))
    assert (row["reason"], row["device_id"], row["idx"]) == (None, "dev-1", 7)


def test_message_in_which_sql_reads_another_time_is_refused_as_ambiguous() -> None:
    assert "timestamp is ambiguous" in decoded(GOOD, stream=AT + pd.Timedelta(seconds=1))["reason"]


def test_message_without_a_time_takes_the_brokers_and_is_refused_without_one() -> None:
    timeless = {name: value for name, value in GOOD.items() if name != "timestamp"}
    assert decoded(timeless, record=AT)["reason"] is None
    assert decoded(timeless)["reason"] == "timestamp is absent, and this source has no record time"


@pytest.mark.parametrize("key", [None, b"dev-1", b" dev-1\n"])
def test_message_under_its_own_key_or_none_is_accepted(key: bytes | None) -> None:
    assert decoded(GOOD, key=key)["reason"] is None


@pytest.mark.parametrize("key", [b"dev-2", b"", b"dev 1", b"DEV-1", b"\xff"])
def test_message_of_another_device_than_its_key_is_refused(key: bytes) -> None:
    reason = decoded(GOOD, key=key)["reason"]
    assert reason.startswith("deviceId 'dev-1' is not the record key ")
    assert repr(key.decode(errors="replace")) in reason


def test_unreadable_message_keeps_its_own_reason_whatever_its_key() -> None:
    assert decoded({"idx": 1}, key=b"dev-2")["reason"] == "deviceId is absent"


def test_malformed_message_keeps_its_row() -> None:
    assert decoded(b"\xff")["reason"].startswith("message is not JSON")


REGISTRY = parse(json.dumps({
    "version": "v1", "sites": {"plant": {}, "s": {}}, "profiles": {"16 A": {"rated_current": 16}},
    "devices": {"dev-1": {"site": "plant", "zone": "hall", "profile": "16 A"}},
    "maintenance": [{"site": "s", "from": "2025-10-09T09:00:00Z", "to": "2025-10-09T10:00:00Z"}]}).encode())


def crosses_to_flink(messages: list[bytes], registry: Registry = NONE) -> None:
    """Converts a result as a Python worker does, where an error would restart the job again and again."""
    at = pd.Series([AT] * len(messages), dtype="datetime64[ms]")
    keys = pd.Series([None, b"key"] * len(messages), dtype=object)[:len(messages)]
    for results_in in ("kafka", "kinesis"):
        rows = decode_batch(pd.Series(messages, dtype=object), keys, at, at, at, pd.Series([False] * len(messages)), registry,
                            results_in)
        names, types = list(fields(results_in)), list(fields(results_in).values())
        pandas_to_arrow(create_arrow_schema(names, types), "UTC", types, [rows[name] for name in names])


@pytest.mark.parametrize("kind", malformed.KINDS)
def test_every_kind_of_malformed_message_reaches_flink_alone_and_among_good_ones(kind: str) -> None:
    good = json.dumps(GOOD).encode()
    rubbish = malformed.malformed(kind, GOOD | {"siteId": "s", "timestamp": 1_760_000_400_000})
    for registry in (NONE, REGISTRY):
        crosses_to_flink([rubbish], registry)
        crosses_to_flink([good, rubbish, good], registry)


@given(st.lists(st.dictionaries(st.sampled_from(MESSAGE_FIELDS), JSON, max_size=6).map(
    lambda message: json.dumps(GOOD | message).encode()), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_message_with_any_values_reaches_flink(messages: list[bytes]) -> None:
    crosses_to_flink(messages)
    crosses_to_flink(messages, REGISTRY)


def test_decoder_follows_the_registry_at_its_location_and_can_be_pickled(tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text('{"version": "v7", "devices": {"dev-1": {"zone": "hall"}}}')
    decoder = pickle.loads(pickle.dumps(Decoder(str(file))))
    decoder.open(None)
    at = pd.Series([AT], dtype="datetime64[ms]")
    row = decoder.eval(pd.Series([json.dumps(GOOD).encode()]), pd.Series([b"dev-1"]), at, at, at, pd.Series([False])).iloc[0]
    found = json.loads(row["payload"])
    assert (found["zone"], found["profile"], found["profile_version"]) == ("hall", "default", "v7")
    assert not decoder.is_deterministic()


def test_unusable_location_is_refused_on_the_client() -> None:
    with pytest.raises(RegistryError, match="name a file"):
        decode_and_score("http://example.org/registry.json")


def test_registry_reaches_the_python_workers_of_a_job(replay: Callable[..., dict[str, Rows]], tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text(json.dumps({"sites": {"plant": {}}, "profiles": {"16 A": {"rated_current": 16}},
                                "devices": {"listed": {"site": "plant", "profile": "16 A"}}}))
    results = replay([message(device, ct=20.0, siteId="own") for device in ("listed", "stranger")], registry=str(file))
    found = {row["device_id"]: (row["site_id"], row["rule_risk"]) for row in results["readings"]}
    assert found == {"listed": ("plant", 0.2), "stranger": ("own", 0.0)}
