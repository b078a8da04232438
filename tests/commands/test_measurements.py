"""Published measurements become device messages that contain what was measured and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from commands.evaluate.datasets import MeasurementsError, convert
from udfs.readings import decode, thresholds

DATA = Path(__file__).parents[1] / "data"
Messages = dict[str, list[dict[str, Any]]]
FIRES = ("nist-SDC05", "carolfire-65")


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Messages:
    """The messages of every test in the excerpt."""
    out = tmp_path_factory.mktemp("messages")
    for path, count in convert(DATA, out):
        assert count == len(path.read_bytes().splitlines())
    return {path.stem: [orjson.loads(line) for line in path.read_bytes().splitlines()] for path in out.iterdir()}


def scored(messages: list[dict[str, Any]]) -> decode.Readings:
    """Returns the readings of messages, scored without Flink."""
    return decode.read([orjson.dumps(message) for message in messages])


def test_every_source_file_becomes_one_test(tests: Messages) -> None:
    assert {name: len(messages) for name, messages in tests.items()} == {
        "nist-SDC05": 123, "carolfire-65": 911, "uci-household": 2878}


def test_home_fire_gives_ceiling_temperature_and_co_of_each_usable_station(tests: Messages) -> None:
    a, b = ({"deviceId": f"nist-SDC05-{station}", "siteId": "nist-SDC05"} for station in "AB")
    start = 1_591_401_600_000  # 2020-06-06T00:00:00Z, the day of test 5
    of_a_and_b = [message for message in tests["nist-SDC05"] if message["deviceId"] != "nist-SDC05-D"]
    assert of_a_and_b[:3] == [
        a | {"idx": 0, "timestamp": start + 2000, "sensorTemp": 22.7, "co": 31.3},
        b | {"idx": 0, "timestamp": start + 2000, "sensorTemp": 22.8, "co": 13.4},
        a | {"idx": 1, "timestamp": start + 7000, "sensorTemp": 22.8, "co": 0.0}]


def test_station_without_a_usable_co_analyser_sends_its_ceiling_temperature_alone(tests: Messages) -> None:
    of_d = [message for message in tests["nist-SDC05"] if message["deviceId"] == "nist-SDC05-D"]
    assert len(of_d) == 41
    assert not any("co" in message for message in of_d)


def test_cable_is_a_device_and_its_heater_is_not(tests: Messages) -> None:
    first = tests["carolfire-65"][0]
    heating_starts = 1_583_452_800_000  # 2020-03-06T00:00:00Z, 82 s after the first row
    assert first == {"deviceId": "carolfire-65-cable1", "siteId": "carolfire-65", "idx": 0, "sensorTemp": 31.7,
                     "timestamp": heating_starts - 82_000}


def test_household_power_is_in_kilowatts_and_its_time_is_read_as_utc(tests: Messages) -> None:
    first = tests["uci-household"][0]
    assert first["timestamp"] == 1_482_364_800_000  # 2006-12-21T00:00:00Z, moved by 522 weeks
    assert set(first) == {"deviceId", "siteId", "idx", "timestamp", "volt", "ct", "pwr", "pFct"}
    assert first["pwr"] == pytest.approx(first["volt"] * first["ct"] * first["pFct"] / 1000, rel=0.05)


def test_minute_without_a_measurement_gives_no_message_and_leaves_a_gap_in_idx(tests: Messages) -> None:
    present = {message["idx"] for message in tests["uci-household"]}
    assert set(range(2880)) - present == {11 * 60 + 23, 11 * 60 + 24}


def test_messages_of_a_test_are_in_time_order_across_devices(tests: Messages) -> None:
    for messages in tests.values():
        times = [message["timestamp"] for message in messages]
        assert times == sorted(times)


def test_machine_temperature_keeps_the_order_of_its_source(tmp_path: Path) -> None:
    file = tmp_path / "temperature" / "nab_machine_temperature_excerpt.csv"
    file.parent.mkdir()
    file.write_text("ts,temperature_source_unit,temperature_c_if_fahrenheit\n2013-12-16T12:00:00,86,30.0\n"
                    "2013-12-16T11:05:00,68,20.0\n")
    [(path, count)] = convert(tmp_path, tmp_path / "out")
    messages = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert [(each["idx"], each["sensorTemp"]) for each in messages] == [(0, 30.0), (1, 20.0)]
    assert count == 2
    assert messages[0]["timestamp"] - messages[1]["timestamp"] == 55 * 60_000


def test_scoring_core_refuses_none_of_the_messages(tests: Messages) -> None:
    for messages in tests.values():
        assert not any(scored(messages).reason)


@pytest.mark.parametrize("fire", FIRES)
def test_every_fire_reaches_high(tests: Messages, fire: str) -> None:
    assert scored(tests[fire]).columns["risk_score"].max() >= thresholds.HIGH


def test_household_never_reaches_high(tests: Messages) -> None:
    assert scored(tests["uci-household"]).columns["risk_score"].max() < thresholds.HIGH


def test_cable_is_not_reported_before_it_is_heated(tests: Messages) -> None:
    assert scored(tests["carolfire-65"][:82]).columns["risk_score"].max() < thresholds.HIGH


def test_folder_without_known_measurements_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(MeasurementsError, match="contains no known measurements; it needs fire/"):
        list(convert(tmp_path, tmp_path / "out"))


def test_file_without_a_mapped_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "cable").mkdir()
    (tmp_path / "cable" / "carolfire_penlight_01.csv").write_text("t_s,shroud_c\n0,20\n")
    with pytest.raises(MeasurementsError, match=r"penlight_01\.csv has no column .* for the field sensorTemp"):
        list(convert(tmp_path, tmp_path / "out"))
