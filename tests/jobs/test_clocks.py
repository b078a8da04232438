"""A wrong clock costs no reading, moves no watermark and changes nothing for other devices, live and in files."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from commands.replay import replay as job
from contract.declared import CONTRACT
from contract.render_json_schema import schema
from core.settings import Settings
from tests.conftest import Rows, epoch_ms, message, rows
from tests.support.dumps import dump
from tests.support.spoilt import TIMES
from udfs.readings import decode

Replay = Callable[..., dict[str, Rows]]
CASES = Path(__file__).parents[1] / "cases_of_devices"
START = 1_760_000_400_000
DAY_MS = 86_400_000
NEVER_REFUSED = {"good", "sec-1", "ardu", "ds", "s-flt", "meter-1", "rtc-ok", "rtc-first", "rtc-again", "rtc-zero", "rtc-noclock",
                 "ck-ok", "ck-right", "ck-6s", "ck-7min"}


def lines(case: str) -> list[bytes]:
    return (CASES / f"{case}.jsonl").read_bytes().splitlines()


def with_arrivals(case: str) -> Iterator[tuple[int, bytes]]:
    """Yields the messages of a case, each a second after the newest sound time so far."""
    newest = 0
    for line in lines(case):
        stamp = json.loads(line)["timestamp"]
        if isinstance(stamp, str) and stamp > "2015" and "T24" not in stamp and "+99" not in stamp:
            newest = max(newest, epoch_ms(stamp))
        elif not isinstance(stamp, str) and stamp > 1e9:
            newest = round(stamp * 1000 if stamp < 1e12 else stamp)
        yield (newest or epoch_ms("2025-10-09T18:00:00Z")) + 1000, line


def of(results: dict[str, Rows], result: str, device: str) -> Rows:
    return [row for row in results[result] if row["device_id"] == device]


@pytest.fixture(scope="module")
def live(replay: Replay) -> dict[str, Rows]:
    """Returns every result of all cases, each message with its arrival."""
    return replay(dump(each for case in sorted(CASES.glob("*.jsonl")) for each in with_arrivals(case.stem)))


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Returns every result of all cases as files."""
    folder = tmp_path_factory.mktemp("filed")
    files = sorted(CASES.glob("*.jsonl"), key=lambda file: file.stem != "min-refused-moves")
    job.replay(files, folder, 1, Settings())
    return {each.stem: rows(each) for each in folder.glob("*.jsonl")}


def letters(results: dict[str, Rows]) -> dict[str, str]:
    """Returns the reasons of refused messages by device."""
    return {json.loads(base64.b64decode(row["message"]))["deviceId"]: row["reason"] for row in results["dead_letters"]}


def test_only_what_is_malformed_is_refused_with_an_arrival(live: dict[str, Rows]) -> None:
    assert {row["device_id"] for row in live["readings"]} == NEVER_REFUSED
    refused = letters(live)
    assert refused.keys() == {"ix", "off", "bad"}
    assert refused["ix"].startswith("idx is out of range") and refused["off"].startswith("timestamp cannot be read")
    sent = sum(len(lines(case.stem)) for case in CASES.glob("*.jsonl"))
    assert len(live["readings"]) + len(live["dead_letters"]) == sent


def test_epoch_seconds_have_the_time_of_arrival_and_a_warning_and_make_no_rise(live: dict[str, Rows]) -> None:
    found = of(live, "readings", "sec-1")
    assert [row["event_time"] for row in found] == [
        "2025-10-09T18:00:01.000Z", "2025-10-10T04:00:01.000Z", "2025-10-11T04:00:01.000Z"]
    assert [row["warnings"] for row in found] == [
        [f"clock: timestamp {stamp} looks like epoch seconds; send milliseconds"]
        for stamp in (1760032800, 1760068800, 1760155200)]
    assert not of(live, "temperature_rises", "sec-1")


def test_epoch_seconds_in_a_file_are_refused(filed: dict[str, Rows]) -> None:
    assert letters(filed)["sec-1"] == "timestamp 1760155200 looks like epoch seconds; send milliseconds"
    assert not of(filed, "readings", "sec-1")


@pytest.mark.parametrize("source", ["live", "filed"])
def test_refused_message_does_not_move_the_watermark(source: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(source)
    assert [(row["idx"], row["is_late"]) for row in of(results, "readings", "good")] == [(1, False), (2, False)]
    assert "24:00:00" in letters(results)["bad"]


@pytest.mark.parametrize("source", ["live", "filed"])
def test_time_is_the_same_with_an_exponent(source: str, request: pytest.FixtureRequest) -> None:
    [row] = of(request.getfixturevalue(source), "readings", "ardu")
    assert (row["event_time"], row["risk_level"], row["warnings"]) == ("2025-10-09T18:00:00.000Z", "CRITICAL", [])


@pytest.mark.parametrize("source", ["live", "filed"])
def test_broken_sensors_are_not_measured_and_make_no_rise(source: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(source)
    assert [row["sensor_temperature"] for row in of(results, "readings", "ds")] == [None, 21.4, 21.4]
    assert [(row["sensor_temperature"], row["invalid_fields"]) for row in of(results, "readings", "s-flt")] == [
        (None, ["sensor_temperature"])]
    assert not [row for row in results["temperature_rises"] if row["device_id"] == "ds"]


@pytest.mark.parametrize("source", ["live", "filed"])
def test_every_row_satisfies_its_published_schema(source: str, request: pytest.FixtureRequest) -> None:
    for name, found in request.getfixturevalue(source).items():
        validator = Draft202012Validator(schema(CONTRACT.result(name)))
        for row in found:
            validator.validate(row)


def test_device_whose_clock_restarts_in_a_fire_has_the_time_of_arrival(live: dict[str, Rows]) -> None:
    sent = [(arrived, json.loads(line)) for arrived, line in with_arrivals("07-rtc-reset-fire")]
    burning = [row for row in live["readings"] if row["device_id"].startswith("rtc-") and row["sensor_temperature"] == 95.0]
    assert len(burning) == 160
    for device in ("rtc-first", "rtc-again", "rtc-zero", "rtc-noclock"):
        of_device = [row for row in burning if row["device_id"] == device]
        expected = [arrived for arrived, each in sent if each["deviceId"] == device and each["sensorTemp"] == 95.0]
        assert [epoch_ms(row["event_time"]) for row in of_device] == expected
        assert all(row["warnings"][0].startswith("clock: ") and row["risk_level"] == "CRITICAL" for row in of_device)
        assert not any(row["is_late"] for row in of_device)


def test_neighbours_of_a_wrong_clock_are_not_late(live: dict[str, Rows]) -> None:
    assert {row["is_late"] for row in of(live, "readings", "rtc-ok")} == {False}
    assert sum(row["record_count"] for row in of(live, "device_minutes", "rtc-ok")) == len(of(live, "readings", "rtc-ok"))


def fleet(stamp: Callable[[int, int], object]) -> list[bytes]:
    """Returns a dump of ten minutes of three devices, one message each 15 s; `stamp` makes the time of a device and second."""
    return dump((START + at * 1000,
                 message(f"d-{device}", idx=at, timestamp=stamp(device, at), pcbTemp=70.0 if at > 300 else 30.0))
                for at in range(0, 600, 15) for device in range(3))


def test_fleet_whose_clocks_are_all_wrong_has_its_windows_and_alerts(replay: Replay) -> None:
    results = replay(fleet(lambda device, at: (at, START // 1000 + at, START + 400 * DAY_MS + at * 1000)[device]))
    assert len(results["readings"]) == 120 and not any(row["is_late"] for row in results["readings"])
    assert {row["event_time"][:10] for row in results["readings"]} == {"2025-10-09"}
    assert sum(row["record_count"] for row in results["device_minutes"]) == 120
    assert {row["subject"] for row in results["alerts"] if row["alert_type"] == "TEMPERATURE_CRITICAL"} == {"d-0", "d-1", "d-2"}


def test_messages_of_a_year_ago_keep_their_times_where_any_age_is_allowed(replay: Replay) -> None:
    results = replay(fleet(lambda device, at: START + at * 1000 - 366 * DAY_MS), oldest_days=0)
    assert len(results["readings"]) == 120 and not any(row["is_late"] or row["warnings"] for row in results["readings"])
    assert {row["event_time"][:4] for row in results["readings"]} == {"2024"}
    assert sum(row["record_count"] for row in results["device_minutes"]) == 120


def test_one_message_of_the_far_future_in_an_old_file_makes_nothing_behind_it_late(replay: Replay) -> None:
    sound = [message("d", idx=at, at=at) for at in range(0, 1200, 15)]
    ahead = [message("fast", idx=1, at=86_400), message("fast", idx=2, at=4e8)]
    results = replay([*sound[:40], *ahead, *sound[40:]])
    assert len(results["readings"]) == len(sound) and not any(row["is_late"] for row in results["readings"])
    assert letters(results) == {
        "fast": "timestamp 2160000400000 is later than 2025-10-09T09:25:00.000Z, the latest time that its place in the file "
                "allows"}
    assert len(results["dead_letters"]) == 2


NAN = b'{"deviceId":"nan","idx":1,"co":NaN,"pcbTemp":30,"meta":{"a":1}}'


def test_message_that_java_cannot_parse_and_one_without_a_time_have_the_time_of_arrival(replay: Replay) -> None:
    timeless = b'{"deviceId":"timeless","idx":1,"pcbTemp":30}'
    results = replay(dump((START + 1000 * at, each) for at, each in enumerate([message(), NAN, timeless, message(idx=1, at=3)])))
    assert not results["dead_letters"]
    assert [(row["event_time"][17:23], row["clock_offset"], row["is_late"]) for row in results["readings"]] == [
        ("00.000", 0.0, False), ("01.000", None, False), ("02.000", None, False), ("03.000", 0.0, False)]


SPOILT = 20_000
SHAPES = (b'{"deviceId":"x","idx":%d,"timestamp":%b,"volt":220}',
          b'{"meta":{"a":1},"deviceId":"x","idx":%d,"timestamp":%b,"volt":220}')
"""A flat message, which regular expressions read, and one that is read by JSON path."""
FORMS = [str(START).encode(), b'"%d"' % START, b'"2025-10-09T09:00:00.250Z"', b'"2025-10-09 18:00:00+09:00"', b"1.7600004e12",
         b'"2025-10-09T09:00:00"', b"17600004e5", b'"2025-10-09T05:30:00.5-0330"', b"1760000400000.0", *TIMES]
LETTERS = [bytes([each]) for each in b'0123456789012345678901234567890.eE+-ZT: tz"']


def test_message_of_a_clock_that_is_ahead_counts_once_though_it_is_delivered_twice(replay: Replay) -> None:
    ahead = message("ahead", idx=1, at=1, pcbTemp=31.0)
    results = replay(dump([(START + 200, ahead), (START + 700, ahead), (START + 900, message("ahead", idx=2, at=1))]))
    assert [(row["idx"], epoch_ms(row["event_time"]) - START) for row in of(results, "readings", "ahead")] == [(1, 200), (2, 900)]
    assert results["dead_letters"] == []


def spoilt_stamps(chance: random.Random) -> Iterator[bytes]:
    """Yields times in every form, most of them with one to three characters changed, left out or put in."""
    while True:
        stamp = bytearray(chance.choice(FORMS))
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            at = chance.randrange(len(stamp) + 1)
            stamp[at:at + chance.randrange(2)] = chance.choice(LETTERS)
        yield bytes(stamp)


def spoilt() -> list[tuple[int, bytes]]:
    """Returns spoilt messages with their arrivals, ten a second, and each second a sound one of a right clock."""
    stamps = spoilt_stamps(random.Random(7))
    sent = []
    for number in range(SPOILT):
        sent.append((START + 100 * number, SHAPES[number % 2] % (number, next(stamps))))
        if number % 10 == 0:
            sent.append((START + 100 * number, message("right", idx=number, at=number / 10)))
    return sent


def test_sql_and_python_agree_on_the_time_of_every_spoilt_message(replay: Replay) -> None:
    sent = spoilt()
    results = replay(dump(sent), oldest_days=31)
    assert len(results["readings"]) + len(results["dead_letters"]) == len(sent)
    assert not [row["reason"] for row in results["dead_letters"] if "ambiguous" in row["reason"]]
    arrivals = np.array([arrived for arrived, _ in sent])
    alone = decode.read([each for _, each in sent], arrivals, arrivals, oldest_days=31)
    accepted = [reason is None for reason in alone.reason]
    meant = sorted(zip(alone.columns["idx"][accepted].tolist(), alone.columns["event_ms"][accepted].tolist(), strict=True))
    assert meant == sorted((row["idx"], epoch_ms(row["event_time"])) for row in results["readings"])
    assert len(sent) / 3 < len(meant) < len(sent)
    assert {row["is_late"] for row in of(results, "readings", "right")} == {False}
