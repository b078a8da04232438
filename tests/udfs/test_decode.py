"""Messages as devices and gateways send them, and the reasons with which the decoder refuses some."""

from __future__ import annotations

import json
import random
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.simulate import malformed
from tests.support.spoilt import NOW, fuzzed
from udfs.readings import decode, event_time, parsing, plausibility
from udfs.registry.format import parse

VECTORS = Path(__file__).parents[1] / "vectors"
GOOD = {"deviceId": "dev-1", "idx": 7, "status": 0, "volt": 220.0, "timestamp": NOW}


def read(message: Any, record_ms: int | None = None, oldest_days: int = 0) -> tuple[dict[str, Any], str | None]:
    """Returns one message's columns and reason."""
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    times = None if record_ms is None else np.array([record_ms])
    readings = decode.read([raw], times, times, oldest_days=oldest_days)
    return {name: column[0] for name, column in readings.columns.items()}, readings.reason[0]


def refusal(message: Any, record_ms: int | None = None) -> str:
    reason = read(message, record_ms)[1]
    assert reason is not None
    return reason


@pytest.mark.parametrize("line", (VECTORS / "malformed.jsonl").read_text(encoding="utf-8").splitlines())
def test_malformed_vector_is_refused_with_a_reason(line: str) -> None:
    assert len(refusal(json.loads(line)["bytes"].encode())) > 10


@pytest.mark.parametrize(("change", "named"), [
    ({"deviceId": None}, "deviceId is absent"), ({"deviceId": 7}, "deviceId must be a string, not 7"),
    ({"deviceId": " "}, "deviceId is empty"), ({"deviceId": "a\u0000b"}, "deviceId contains a control character"),
    ({"deviceId": "x" * 257}, "deviceId is longer than 256 bytes in UTF-8"),
    ({"deviceId": "𒀀" * 65}, "deviceId is longer than 256 bytes in UTF-8"),
    ({"siteId": "한" * 86}, "siteId is longer than 256 bytes in UTF-8"), ({"siteId": 3}, "siteId must be a string, not 3"),
    ({"idx": None}, "idx is absent"), ({"idx": 1.5}, "idx must be a whole number, not 1.5"),
    ({"idx": 2**60}, "idx is out of range"),
    ({"idx": 2**53 + 1}, "idx is out of range: 9007199254740993"),
    ({"idx": str(2**53 + 1)}, "idx is out of range: 9007199254740993"),
    ({"status": -2**53 - 1}, "status is out of range: -9007199254740993"),
    ({"idx": "nan"}, "idx is absent"),
    ({"volt": "abc"}, "volt must be a number, not 'abc'"),
    ({"volt": True}, "volt must be a number, not True"), ({"volt": "1_0"}, "volt must be a number, not '1_0'"),
    ({"volt": "n/a"}, "volt must be a number, not 'n/a'"), ({"volt": "1e999"}, "volt must be finite"),
    ({"volt": [1]}, "volt must be a number, not an array"), ({"status": -1}, "status is out of range: -1"),
    ({"aArc": 0.5}, "aArc must be a whole number, not 0.5"), ({"verifySts": "x"}, "verifySts must be a number, not 'x'"),
    ({"timestamp": "yesterday"}, "timestamp cannot be read: 'yesterday'"), ({"timestamp": True}, "timestamp cannot be read"),
    ({"timestamp": 2**53 + 2}, "timestamp cannot be read: 9007199254740994 is beyond 2^53"),
    ({"timestamp": -1}, "timestamp -1 is before 2015"), ({"timestamp": "1969-12-31T23:59:59Z"}, "is before 2015"),
    ({"timestamp": 1_760_000_400}, "timestamp 1760000400 looks like epoch seconds; send milliseconds"),
    ({"timestamp": "1760000400"}, "timestamp '1760000400' looks like epoch seconds; send milliseconds"),
    ({"timestamp": 1_760_000_400_000_000}, "is later than 9999-12-31T23:59:59.999Z, the latest time"),
    ({"timestamp": "2025-10-09T24:00:00Z"}, "timestamp cannot be read: '2025-10-09T24:00:00Z' is not a date and time"),
    ({"timestamp": "2025-10-09T09:00:00+99:99"}, "'2025-10-09T09:00:00+99:99' has an offset that does not exist"),
    ({"timestamp": "2025-10-09T09:00:00-1401"}, "has an offset that does not exist; it is at most 14:00"),
    ({"timestamp": "2025-10-09T09:00:00+00:60"}, "has an offset that does not exist"),
    ({"timestamp": "2025-02-30T09:00:00Z"}, "timestamp cannot be read: '2025-02-30T09:00:00Z' is not a date and time"),
])  # fmt: skip
def test_refusal_names_the_field_and_what_arrived(change: dict[str, Any], named: str) -> None:
    assert named in refusal(GOOD | change)


@pytest.mark.parametrize(("raw", "said"), [
    (b"", "message is empty"), (b"[]", "not a JSON object but an array"), (b"null", "not a JSON object but null"),
    (b'{"deviceId":"a","idx":1,"volt":Infinity}', "volt: message is not JSON"),
    (b'{"deviceId":NaN,"idx":1,"volt":220}', "deviceId is absent"),
    (b'{"deviceId":"a","idx":1,"volt":NaN', "message is not JSON"), (b"\xff\xfe", "message is not JSON"),
])  # fmt: skip
def test_bytes_that_are_not_a_message_are_refused_with_what_they_are(raw: bytes, said: str) -> None:
    assert said in refusal(raw)


@pytest.mark.parametrize("name", ["x" * 256, "한" * 85, "𒀀" * 64])
def test_id_with_the_maximum_of_bytes_is_accepted(name: str) -> None:
    assert read(GOOD | {"deviceId": name, "siteId": name})[1] is None


def test_message_without_a_measurement_is_refused_but_a_status_alone_is_a_reading() -> None:
    bare = {"deviceId": "a", "idx": 1, "timestamp": NOW}
    assert "nothing is measured" in refusal(bare)
    assert read(bare | {"status": 0})[1] is None


DAY_MS = 86_400_000
OLD = [(1_760_000_400, "1760000400 looks like epoch seconds; send milliseconds"), (0, "0 is before 2015"),
       (-1, "-1 is before 2015"),
       ("2000-01-01T00:00:00Z", "'2000-01-01T00:00:00Z' is before 2015"),
       ("1900-01-01 00:00:00", "'1900-01-01 00:00:00' is before 2015"),
       (1_420_070_399_999, "1420070399999 is before 2015"),
       (NOW - 31 * DAY_MS - 1, f"{NOW - 31 * DAY_MS - 1} is more than 31 days before its arrival")]


@pytest.mark.parametrize(("stamp", "said"), OLD)
def test_time_too_long_before_its_arrival_is_replaced_by_it_with_a_warning(stamp: Any, said: str) -> None:
    columns, reason = read(GOOD | {"timestamp": stamp}, NOW, oldest_days=31)
    assert (reason, columns["event_ms"]) == (None, NOW)
    assert columns["warnings"] == f"clock: timestamp {said}"


@pytest.mark.parametrize("stamp", [NOW + 1, NOW + 3_600_000, 2**53, "9999-12-31T23:59:59.999Z", f"{NOW}000", 1e15])
def test_time_after_its_arrival_is_replaced_by_it(stamp: Any) -> None:
    columns, reason = read(GOOD | {"timestamp": stamp}, NOW, oldest_days=31)
    assert (reason, columns["event_ms"], columns["warnings"]) == (None, NOW, "")
    assert columns["clock_offset"] < 0


@pytest.mark.parametrize(("stamp", "oldest_days"), [(NOW, 31), (NOW - 31 * DAY_MS, 31), (NOW - 366 * DAY_MS, 0),
                                                    (1_420_070_400_000, 0)])
def test_time_before_its_arrival_is_that_of_the_reading(stamp: int, oldest_days: int) -> None:
    columns, reason = read(GOOD | {"timestamp": stamp}, NOW, oldest_days=oldest_days)
    assert (reason, columns["event_ms"], columns["warnings"]) == (None, stamp, "")
    assert columns["clock_offset"] == (NOW - stamp) / 1000


def test_clock_offset_is_unknown_without_an_arrival_or_a_stated_time() -> None:
    assert np.isnan(read(GOOD)[0]["clock_offset"])
    assert np.isnan(read({name: value for name, value in GOOD.items() if name != "timestamp"}, NOW)[0]["clock_offset"])


def test_time_later_than_a_file_is_refused() -> None:
    [reason] = decode.read([json.dumps(GOOD).encode()], arrived_ms=np.array([NOW - 1])).reason
    assert reason == f"timestamp {NOW} is later than 2025-10-09T08:59:59.999Z, the latest time that its place in the file allows"


def test_absent_timestamp_is_replaced_by_the_brokers_time() -> None:
    columns, reason = read({name: value for name, value in GOOD.items() if name != "timestamp"}, NOW)
    assert (reason, columns["event_ms"]) == (None, NOW)


def test_reading_out_of_range_is_kept_scored_and_names_its_fields() -> None:
    columns, reason = read(GOOD | {"volt": 300.1, "pcbTemp": 140, "sensorTemp": -10, "ct": 200})
    assert reason is None and not columns["is_valid"]
    assert columns["invalid_fields"] == "voltage,pcb_temperature" and columns["invalid_values"] == "300.1,140"
    assert columns["risk_level"] == "CRITICAL"


NOT_MEASURED = {
    "volt": (-0.1, 1000.5, 3.4028234663852886e38), "voltLow": (-1, 1001), "ct": (-0.1,), "zct": (-1,), "rzct": (-0.001,),
    "pcbTemp": (-60.1, -127, 1372.1, 327.67, 655.35, 999, 1000), "sensorTemp": (-127, "-127", 999),
    "voc": (-5, 9999, 65535), "pFct": (1.01, -1.01),
    "co": (-1, -999, 10000.5, 9999, 65535),
}  # fmt: skip
MEASURED = {
    "volt": (0, 1000), "voltLow": (0, 1000), "ct": (0, 1e300), "zct": (0,), "rzct": (1e9,), "pcbTemp": (-60, 1372, 327.68, 998),
    "sensorTemp": (-10.1, 1000.1), "co": (0, 10000, 9998), "voc": (0, 65534, 65536), "pFct": (1, 0), "pwr": (-5,),
}  # fmt: skip
FIELD_OF = {spelling: name for name, spellings in decode.MEASUREMENTS.items() for spelling in spellings}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in NOT_MEASURED.items() for value in values])
def test_impossible_value_counts_as_not_measured_and_is_named_as_it_came(field: str, value: Any) -> None:
    columns, reason = read({"deviceId": "a", "idx": 1, "timestamp": NOW, field: value})
    assert reason is None and np.isnan(columns[FIELD_OF[field]]) and not columns["is_valid"]
    assert (columns["invalid_fields"], columns["invalid_values"]) == (FIELD_OF[field], str(value))
    assert (columns["rule_risk"], columns["floor_risk"], columns["pattern_risk"]) == (0, 0, 0)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in MEASURED.items() for value in values])
def test_value_at_the_edge_of_what_is_possible_is_measured(field: str, value: float) -> None:
    assert read(GOOD | {field: value})[0][FIELD_OF[field]] == value


def test_broken_sensor_does_not_hide_the_other() -> None:
    columns, _ = read(GOOD | {"pcbTemp": 327.67, "sensorTemp": 70})
    assert (columns["max_temperature"], columns["alert_type"]) == (70, "TEMPERATURE_CRITICAL")


def test_negative_power_factor_counts_as_its_magnitude() -> None:
    assert read(GOOD | {"pFct": -0.85, "ct": 1, "pwr": -0.187})[0]["power_factor"] == 0.85


@pytest.mark.parametrize("value", [b"null", b'""', b'"nan"', b'"NaN"', b'"unavailable"', b'"unknown"', b'"none"', b'" Unknown "',
                                   b"NaN"])
def test_field_without_a_value_is_not_measured_and_the_rest_counts(value: bytes) -> None:
    columns, reason = read(b'{"deviceId":"a","idx":1,"timestamp":1760000400000,"co":350,"volt":%b,"note":"NaN"}' % value)
    assert reason is None and np.isnan(columns["voltage"]) and columns["risk_level"] == "CRITICAL" and columns["is_valid"]
    assert columns["warnings"].startswith("volt has no value: ")


def test_null_beside_another_spelling_with_a_value_is_no_warning() -> None:
    columns, _ = read(GOOD | {"ct": None, "current": 5, "siteId": None})
    assert (columns["current"], columns["warnings"]) == (5, "")


@pytest.mark.parametrize(("fields", "said"), [
    ({"temperature": 21}, "temperature is not read; send sensorTemp"), ({"Volt": 220}, ""),
    ({"pcb_temp": 21}, "pcb_temp is not read; send pcbTemp"), ({"pcb_temp": 21, "pcbTemp": 21}, ""),
    ({"humidity": 40}, "humidity is not read"), ({"Arc Count": 3}, "Arc Count is not read; send aArc or arc_count"),
    ({"site": "a"}, "site is not read; send siteId"), ({"firmware": "1.2"}, ""),
    ({"pwr": 1045}, "power is read as 1045 kW; above 500 kW it is probably in W"), ({"pwr": -1045}, "power is read as -1045 kW; "
     "above 500 kW it is probably in W"), ({"pwr": 500}, ""),
])  # fmt: skip
def test_field_that_looks_like_one_that_is_read_is_a_warning(fields: dict[str, Any], said: str) -> None:
    assert read(GOOD | fields)[0]["warnings"] == said


def test_message_with_very_many_look_alikes_has_few_warnings_of_bounded_length() -> None:
    names = [f"t{'_' * number}emp" for number in range(300)]
    warnings = read(GOOD | dict.fromkeys(names, 1))[0]["warnings"].split(",")
    assert len(warnings) == plausibility.MOST_WARNINGS and max(map(len, warnings)) < 100


NO_VALUES = [None, "", "nan", " Unavailable"]
SENT = st.fixed_dictionaries({}, optional={field: st.one_of(
    st.sampled_from([*NOT_MEASURED[field], *MEASURED[field], *map(str, MEASURED[field]), *NO_VALUES])) for field in NOT_MEASURED})


@given(SENT)
@settings(max_examples=300, deadline=None)
def test_each_field_is_measured_or_not_whatever_the_others_hold(sent: dict[str, Any]) -> None:
    columns, reason = read(GOOD | {"volt": 220} | sent)
    impossible = [field for field in NOT_MEASURED if field in sent and sent[field] in NOT_MEASURED[field]]
    silent = [field for field in sent if sent[field] in NO_VALUES]
    assert reason is None
    for field in sent:
        measured = columns[FIELD_OF[field]]
        assert np.isnan(measured) if field in (*impossible, *silent) else measured == float(sent[field])
    named = dict(zip(columns["invalid_fields"].split(","), columns["invalid_values"].split(","), strict=True))
    assert {field: named.get(FIELD_OF[field]) for field in impossible} == {field: str(sent[field]) for field in impossible}
    assert len([each for each in columns["warnings"].split(",") if "has no value" in each]) == len(silent)


def test_ids_are_composed_and_trimmed_and_a_blank_site_is_none() -> None:
    decomposed = unicodedata.normalize("NFD", "현장-é")
    columns, reason = read(GOOD | {"deviceId": f" {decomposed}\n", "siteId": " \t", "topicDeviceId": "현장-é"})
    assert (reason, columns["device_id"], columns["site_id"]) == (None, "현장-é", None)
    assert read(GOOD | {"siteId": decomposed})[0]["site_id"] == "현장-é"


def test_status_that_differs_from_its_verification_is_a_warning() -> None:
    assert read(GOOD | {"verifySts": 5})[0]["warnings"] == "verify_status 5 differs from status_bits 0"
    assert read(GOOD | {"verifySts": 0})[0]["warnings"] == ""


def test_both_spellings_and_numeric_strings_are_read_and_unknown_fields_ignored() -> None:
    columns, _ = read({"deviceId": "a", "idx": "3", "current": " +25 ", "leakage_current": "9.5", "aArc": "2", "note": {}})
    assert (columns["idx"], columns["current"], columns["leakage_current"], columns["arc_count"]) == (3, 25, 9.5, 2)


def test_device_spelling_wins_over_the_renamed_one() -> None:
    assert read(GOOD | {"ct": 1.0, "current": 2.0})[0]["current"] == 1.0


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=6)  # fmt: skip
FIELDS = ["deviceId", "idx", "timestamp", "siteId", "verifySts", *(name for names in decode.MEASUREMENTS.values()
                                                                  for name in names), "status", "aArc"]


@given(st.lists(st.one_of(st.binary(max_size=40), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6).map(
    lambda message: json.dumps(message).encode())), max_size=12))
@settings(max_examples=400, deadline=None)
def test_no_message_raises_and_other_messages_of_the_batch_change_nothing(messages: list[bytes]) -> None:
    together = decode.read(messages)
    for row, message in enumerate(messages):
        alone = decode.read([message])
        assert together.reason[row] == alone.reason[0]
        if alone.reason[0] is None:
            for name, column in together.columns.items():
                np.testing.assert_equal(column[row], alone.columns[name][0], err_msg=name)


class Unable:
    """A typed decoder for which no message is plain."""

    def decode(self, message: bytes) -> Any:
        raise msgspec.DecodeError(f"{message!r} is not decoded")


def assert_decoded_alike_as_objects(batch: list[bytes], most_in_vain: int = sys.maxsize) -> None:
    """Asserts that the typed decoder changes neither a reason nor a column: not a bit of a number, not the type of a value."""
    times = np.full(len(batch), NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "MOST_IN_VAIN", most_in_vain)
        typed = decode.read(batch, times, times)
        patch.setattr(parsing, "DECODER", Unable())
        plain = decode.read(batch, times, times)
    for name, of_objects, of_types in [("reason", plain.reason, typed.reason),
                                       *((name, column, typed.columns[name]) for name, column in plain.columns.items())]:
        for message, one, other in zip(batch, bits(of_objects), bits(of_types), strict=True):
            assert one == other, f"{name} of {message!r}"


def bits(column: Any) -> list[Any]:
    """Returns what tells the values of a column apart: type and value, of floats every bit except those of a NaN."""
    if column.dtype == np.float64:
        return [None if np.isnan(value) else value.hex() for value in column.tolist()]
    return [(type(value), value) for value in column]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6).map(
    lambda changes: json.dumps(GOOD | changes).encode()), max_size=12))
@settings(max_examples=200, deadline=None)
def test_typed_decoder_reads_any_values_as_they_are_read_from_objects(batch: list[bytes]) -> None:
    assert_decoded_alike_as_objects(batch)


FUZZED = 100_000


def test_typed_decoder_changes_nothing_of_a_hundred_thousand_spoilt_messages() -> None:
    chance = random.Random(11)
    for _ in range(FUZZED // 1000):
        assert_decoded_alike_as_objects([fuzzed(chance) for _ in range(1000)])


def spoilt() -> Iterator[bytes]:
    for kind in malformed.KINDS:
        yield malformed.malformed(kind, GOOD | {"siteId": "site-1", "ct": 5.0})


def test_batch_that_is_mostly_not_plain_is_read_alike() -> None:
    assert_decoded_alike_as_objects([json.dumps(GOOD | {"firmware": "1.2", "idx": idx}).encode() for idx in range(300)]
                                    + [*spoilt(), json.dumps(GOOD).encode()], parsing.MOST_IN_VAIN)


@pytest.mark.parametrize("change", [{}, {"siteId": None, "ct": None, "current": 5}, {"timestamp": "2025-10-09T09:00:00Z"},
                                    {"siteId": "현장", "idx": 7.0, "status": 4097}])  # fmt: skip
def test_ordinary_message_is_plain(change: dict[str, Any]) -> None:
    assert not parsing.parse([json.dumps(GOOD | change).encode()], np.full(1, None)).odd


def test_listed_device_has_the_profile_and_site_of_the_registry() -> None:
    known = parse(json.dumps({"version": "v1", "sites": {"plant": {}}, "profiles": {"16 A": {"rated_current": 16}},
                              "devices": {"dev-1": {"site": "plant", "zone": "hall", "profile": "16 A"}}}).encode())
    messages = [json.dumps(GOOD | {"deviceId": device, "siteId": "own", "ct": 20.0}).encode() for device in ("dev-1", "dev-2")]
    columns = decode.read(messages, registry=known).columns
    assert columns["rule_risk"].tolist() == [0.2, 0.0]
    assert columns["site_id"].tolist() == ["plant", "own"]
    assert columns["profile"].tolist() == ["16 A", "default"] and columns["profile_version"].tolist() == ["v1", "v1"]


def test_times_are_written_with_milliseconds_and_z() -> None:
    written = event_time.to_iso(np.array([NOW, event_time.NO_TIME, 5]))
    assert written.tolist() == ["2025-10-09T09:00:00.000Z", None, "1970-01-01T00:00:00.005Z"]
