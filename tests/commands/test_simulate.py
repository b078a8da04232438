"""The simulated fleet is reproducible, plausible, and exact about what it sends."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import numpy as np
import orjson
import pytest

from commands.cli.messages import SCENARIOS
from commands.simulate.fleet import FIELDS, events, messages
from commands.simulate.malformed import KINDS
from commands.simulate.scenarios import FAULTS, Plan, PlanError
from commands.simulate.sender import write
from udfs.readings import decode, scoring, thresholds

START = 1_760_000_000_000
MINUTES_3 = 2700  # messages at the default rate of 30 a second
ARRIVAL = START + 180_000


def read(plan: Plan) -> decode.Readings:
    """Returns a plan's scored messages, all of which arrive when the last one is sent."""
    values = [value for _, value in messages(plan, START)]
    return decode.read(values, arrived_ms=np.full(len(values), ARRIVAL))


def worst(plan: Plan) -> dict[str, float]:
    """Returns the highest risk score of each device."""
    columns = read(plan).columns
    risks: dict[str, float] = {}
    for device, risk in zip(columns["device_id"], columns["risk_score"], strict=True):
        risks[device] = max(risks.get(device, 0.0), risk)
    return risks


def test_command_line_offers_every_scenario_there_is() -> None:
    assert set(SCENARIOS) == set(FAULTS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_same_seed_gives_the_same_messages_whatever_the_start(scenario: str) -> None:
    plan = Plan(scenario=scenario, count=600)
    later = 10**11
    first, second = list(messages(plan, START)), list(messages(plan, START + later))
    assert first == list(messages(plan, START))
    assert [without_time(value) for _, value in first] == [without_time(value) for _, value in second]


def without_time(value: bytes) -> bytes:
    """Returns a message without its timestamp, if it has a readable one."""
    head, mark, tail = value.partition(b'"timestamp":')
    return head + mark + tail.lstrip(b" 0123456789")


def test_other_seed_gives_other_messages() -> None:
    assert list(messages(Plan(count=10), START)) != list(messages(Plan(count=10, seed=2), START))


def test_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    longer = list(messages(Plan(scenario="garbage", count=5000), START))
    assert list(messages(Plan(scenario="garbage", count=2500), START)) == longer[:2500]


def test_event_time_of_message_n_is_the_start_plus_n_by_the_rate() -> None:
    times = [orjson.loads(value)["timestamp"] for _, value in messages(Plan(rate=8, count=20), START)]
    assert times == [START + 125 * n for n in range(20)]


def test_devices_report_in_turn_and_count_their_messages() -> None:
    documents = [orjson.loads(value) for _, value in messages(Plan(devices=3, sites=2, count=6), START)]
    assert [(each["deviceId"], each["siteId"], each["idx"]) for each in documents] == [
        ("dev-0001", "site-1", 0), ("dev-0002", "site-2", 0), ("dev-0003", "site-1", 0),
        ("dev-0001", "site-1", 1), ("dev-0002", "site-2", 1), ("dev-0003", "site-1", 1)]


def test_message_carries_every_field_of_a_device_and_is_keyed_by_it() -> None:
    key, value = next(messages(Plan(), START))
    assert tuple(orjson.loads(value)) == FIELDS
    assert key == b"dev-0001"


def test_power_is_voltage_times_current_times_power_factor_in_kilowatts() -> None:
    for _, value in messages(Plan(count=300), START):
        reading = orjson.loads(value)
        assert reading["pwr"] == pytest.approx(reading["volt"] * reading["ct"] * reading["pFct"] / 1000, rel=0.01)


def test_more_current_makes_a_device_warmer() -> None:
    columns = read(Plan(devices=100, sites=1, count=6400)).columns
    assert np.corrcoef(columns["current"] ** 2, columns["sensor_temperature"])[0, 1] > 0.7


@pytest.mark.parametrize("seed", range(5))
def test_healthy_fleet_is_normal_all_day(seed: int) -> None:
    columns = read(Plan(devices=20, sites=2, rate=0.2, seed=seed, duration=86_400)).columns
    assert set(columns["risk_level"]) == {"NORMAL"}
    assert not columns["pattern_risk"].any()


@pytest.mark.parametrize(("scenario", "kind"), [
    ("heating", "TEMPERATURE_CRITICAL"), ("arcing", "ARC_DETECTED"), ("leakage", "ELECTRICAL_LEAKAGE"),
    ("gas", "GAS_DETECTION")])
def test_fault_brings_one_device_to_high_with_its_own_type(scenario: str, kind: str) -> None:
    columns = read(Plan(scenario=scenario, count=MINUTES_3)).columns
    high = columns["risk_score"] >= thresholds.HIGH
    assert set(columns["device_id"][high]) == {"dev-0001"}
    assert set(columns["alert_type"][high]) == {kind}


def test_device_raises_its_alarm_bits_as_its_terminals_heat_up() -> None:
    columns = read(Plan(scenario="heating", count=MINUTES_3)).columns
    hot = columns["sensor_temperature"] > 60
    alarms = columns["status_bits"].astype(int) & scoring.BIT["sensor_temp_alarm"] > 0
    assert hot.any()
    assert (alarms == hot).all()


def test_fire_begins_at_one_device_within_a_minute_and_spreads_over_its_site_only() -> None:
    early = worst(Plan(scenario="spreading-fire", rate=15, duration=55))
    late = worst(Plan(scenario="spreading-fire", rate=15, duration=180))
    assert [device for device, risk in early.items() if risk >= thresholds.HIGH] == ["dev-0001"]
    burning = {device for device, risk in late.items() if risk >= thresholds.HIGH}
    assert burning == {f"dev-{n:04d}" for n in range(1, 31, 3)}


def test_burning_neighbours_smoke_arc_and_heat_up() -> None:
    columns = read(Plan(scenario="spreading-fire", rate=15, duration=180)).columns
    neighbour = columns["device_id"] == "dev-0004"
    assert columns["co_gas"][neighbour].max() > 100
    assert columns["voc"][neighbour].max() > 1000
    assert columns["arc_count"][neighbour].max() > 5
    assert columns["max_temperature"][neighbour].max() > 65


def test_device_with_a_communication_error_reports_it_in_its_status() -> None:
    columns = read(Plan(scenario="communication-error", count=MINUTES_3)).columns
    assert set(columns["device_id"][columns["communication_error"]]) == {"dev-0001"}


def test_silent_device_stops_and_the_others_go_on() -> None:
    sent = [event for event in events(Plan(scenario="silent-device", duration=60), START) if event.at > 21]
    assert {event.key for event in sent} == {f"dev-{n:04d}".encode() for n in range(2, 31)}


def test_count_is_the_number_of_messages_also_when_a_device_is_silent() -> None:
    assert len(list(messages(Plan(scenario="silent-device", count=MINUTES_3), START))) == MINUTES_3


def test_report_counts_every_message_by_what_it_is() -> None:
    file = io.BytesIO()
    sent = write(Plan(scenario="garbage", count=20_000), START, file)
    assert sent.messages == len(file.getvalue().splitlines()) == 20_000
    assert sent.readings + sent.malformed + sent.duplicates == sent.messages
    assert sent.malformed == pytest.approx(400, rel=0.2)
    assert sent.duplicates == pytest.approx(200, rel=0.25)
    assert set(sent.kinds) == {"reading", "duplicate", *KINDS}


def test_exactly_the_malformed_messages_are_refused_and_exactly_the_duplicates_repeat_a_reading() -> None:
    sent = list(events(Plan(scenario="garbage", count=20_000, rate=1000), START))
    reasons = decode.read([event.value for event in sent], arrived_ms=np.full(len(sent), START + 20_000)).reason
    assert [event.kind for event, reason in zip(sent, reasons, strict=True)
            if (reason is None) == (event.kind in KINDS)] == []
    good = [event.value for event in sent if event.kind == "reading"]
    assert len(set(good)) == len(good)
    assert {event.value for event in sent if event.kind == "duplicate"} <= set(good)


def test_duplicate_has_the_key_of_the_message_it_repeats() -> None:
    for event in events(Plan(scenario="garbage", count=5000), START):
        if event.kind == "duplicate":
            assert json.loads(event.value)["deviceId"].encode() == event.key


def test_any_scenario_can_have_malformed_messages_and_duplicates() -> None:
    plan = Plan(scenario="normal", malformed=0.5, duplicates=0.5, count=1000)
    assert sum(event.kind == "reading" for event in events(plan, START)) <= 1


def test_messages_are_made_lazily_and_without_end() -> None:
    assert len(list(itertools.islice(messages(Plan(devices=1, sites=1), START), 500))) == 500


@pytest.mark.parametrize(("change", "text"), [
    ({"scenario": "flood"}, "scenario is 'flood'; use one of: normal, heating"),
    ({"sites": 31}, "31 sites for 30 devices: every site needs a device; lower --sites"),
    ({"rate": 0}, "rate is 0; use messages per second, more than 0"),
    ({"count": -1}, "count is -1"),
    ({"malformed": 0.9, "duplicates": 0.2}, "keep their sum within 0–1"),
    ({"scenario": "silent-device", "devices": 1, "sites": 1}, "use --devices 2 or more")])
def test_plan_that_cannot_be_run_says_what_to_change(change: dict[str, Any], text: str) -> None:
    with pytest.raises(PlanError, match=text):
        Plan(**change)
