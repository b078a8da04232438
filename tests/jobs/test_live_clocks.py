"""Devices with wrong clocks on a real broker, with true arrival times: their fires and gases have the same alerts as others'."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from commands.cluster.submit import connector_jars
from commands.replay.replay import local_configuration
from contract.topics import TOPICS
from core import installation
from core.settings import Settings
from jobs import alert, detect
from tests.conftest import Rows, epoch_ms, rows
from tests.support.brokers import create_topics
from tests.support.waiting import until

PREFIX = "clocks."
CASES = Path(__file__).parents[1] / "cases_of_devices"
RESET, SLOW = CASES / "07-rtc-reset-fire.jsonl", CASES / "12-slow-clock.jsonl"
SINGLE = tuple(sorted(CASES.glob("min-*.jsonl")))
"""Cases of a message or three, whose first stands at the whole hour."""
HOUR_MS = 3_600_000
START_MS = epoch_ms("2025-10-09T18:00:00Z")
ROUND_MS = 15_000
"""Between two rounds, in each of which every device of a case sends one message."""
ROUNDS = 160
AFTER = 16
"""Rounds of the steady devices alone after the cases, which close the windows of the cases and are no silence yet."""
BURNING = ("rtc-first", "rtc-again", "rtc-zero", "rtc-noclock")
EXPOSED = ("ck-right", "ck-6s", "ck-7min")
PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == "telemetry")


def arrivals(file: Path, steady: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields when each message of a case arrives, ms after the start, which the clock of its steady device says."""
    now = 0
    for message in rows(file):
        if message["deviceId"] == steady:
            now = epoch_ms(message["timestamp"]) - START_MS
        yield now, message


def steady_devices() -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the messages of a device per partition, so that none is idle; a minute after the cases has a communication error."""
    for number in range(ROUNDS + AFTER):
        at = number * ROUND_MS
        for partition in range(PARTITIONS):
            status = 4096 if ROUNDS + 4 <= number < ROUNDS + 8 else 0
            yield at, {"deviceId": f"steady-{partition}", "idx": number, "timestamp": START_MS + at, "status": status}


def single_messages() -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the messages of the small cases, each of which arrives at its time, or some minutes later each if that is none."""
    for file in SINGLE:
        for number, message in enumerate(rows(file)):
            at = stated(message)
            yield (at % HOUR_MS if at else 8 * number * ROUND_MS), message


def stated(message: dict[str, Any]) -> int | None:
    """Returns the time that a message states if it is one of the cases' day, epoch ms."""
    stamp = message["timestamp"]
    try:
        at = epoch_ms(stamp) if isinstance(stamp, str) else int(stamp)
    except ValueError:
        return None
    return at if abs(at - START_MS) < 24 * HOUR_MS else None


def sent(producer: KafkaProducer, start: int) -> int:
    """Sends the cases, as if the first message had arrived at `start` (epoch ms); returns the number of messages."""
    messages = sorted([*arrivals(RESET, "rtc-ok"), *arrivals(SLOW, "ck-ok"), *single_messages(), *steady_devices()],
                      key=lambda each: each[0])
    for at, message in messages:
        device = message["deviceId"]
        partition = int(device.rpartition("-")[2]) if device.startswith("steady-") else sum(device.encode()) % PARTITIONS
        producer.send(PREFIX + "telemetry", moved(message, start), device.encode(), partition=partition, timestamp_ms=start + at)
    producer.flush()
    return len(messages)


def moved(message: dict[str, Any], start: int) -> bytes:
    """Returns a message with its time moved from the cases' hour to `start`; that of a wrong clock stays as it is."""
    at = stated(message)
    if at is None:
        return json.dumps(message).encode()
    hour = START_MS if at > START_MS - HOUR_MS else START_MS - 6 * HOUR_MS
    later = at - hour + start
    text = json.dumps(message | {"timestamp": "TIME"})
    return text.replace('"TIME"', f"{later:.12e}" if isinstance(message["timestamp"], float) else str(later)).encode()


@pytest.fixture(scope="module")
def written(brokers: str) -> Iterator[dict[str, Rows]]:
    """Runs the detect and alert jobs over the cases; returns the rows of topics when the steady devices have their alerts."""
    create_topics(brokers, PREFIX)
    with closing(KafkaProducer(bootstrap_servers=brokers)) as producer:
        start = time.time_ns() // 60_000_000_000 * 60_000 - (ROUNDS + AFTER) * ROUND_MS
        sent(producer, start)
    settings = Settings(kafka_brokers=brokers, topic_prefix=PREFIX, parallelism=1,
                        home=str(installation.home_folder(Settings.load())))
    jars = {"pipeline.jars": ";".join(jar.as_uri() for jar in connector_jars(settings))}
    started = [job.start(settings, {**local_configuration(), **jars}) for job in (detect, alert)]
    steady = {f"steady-{each}" for each in range(PARTITIONS)}
    alerts = read_until(brokers, "alerts", lambda found: steady <= {row["subject"] for row in found})
    yield {"alerts": alerts} | {topic: read_until(brokers, topic, bool) for topic in ("readings", "dead-letters")}
    for each in started:
        client = each.get_job_client()
        assert client
        client.cancel().result()


def read_until(brokers: str, topic: str, is_complete: Callable[[Rows], bool]) -> Rows:
    """Returns the rows of a topic as soon as they are complete and no further one comes."""
    found: Rows = []
    options = {"bootstrap_servers": brokers, "auto_offset_reset": "earliest", "group_id": None}
    with closing(KafkaConsumer(PREFIX + topic, **options)) as consumer:
        def has_come() -> bool:
            batches = consumer.poll(timeout_ms=1_000)
            found.extend(json.loads(each.value) for batch in batches.values() for each in batch)
            return not batches and is_complete(found)

        until(has_come, lambda: f"the last row of {topic}, after {len(found)},")
    return found


@pytest.fixture(scope="module")
def alerts(written: dict[str, Rows]) -> Rows:
    """Returns the rows of the topic of alerts."""
    return written["alerts"]


def readings_of(written: dict[str, Rows], device: str) -> Rows:
    """Returns the readings of a device in the order of idx."""
    return sorted((row for row in written["readings"] if row["device_id"] == device), key=lambda row: row["idx"])


@pytest.mark.parametrize("device", BURNING)
def test_a_clock_that_is_reset_in_a_fire_leaves_one_critical_alert_open(alerts: Rows, device: str) -> None:
    fires = [row for row in alerts if row["subject"] == device and row["alert_type"] == "TEMPERATURE_CRITICAL"]
    last = next(position for position in reversed(range(len(fires))) if fires[position]["transition"] == "OPENED")
    assert fires[last]["level"] == "CRITICAL"
    assert "CLEARED" not in [row["transition"] for row in fires[last:]]
    assert epoch_ms(fires[last]["event_time"]) > START_MS


def test_a_reset_clock_does_not_touch_a_neighbour(alerts: Rows) -> None:
    assert [row for row in alerts if row["subject"] in ("rtc-ok", "ck-ok") and row["alert_type"] != "DEVICE_SILENT"] == []


def test_exposure_is_seen_within_a_minute_whatever_the_clock_says(alerts: Rows) -> None:
    opened = {row["subject"]: epoch_ms(row["opened_at"]) for row in alerts
              if row["alert_type"] == "CO_EXPOSURE" and row["transition"] == "OPENED"}
    assert opened.keys() == set(EXPOSED)
    assert max(opened.values()) - min(opened.values()) <= 60_000


def test_only_the_clock_that_is_far_off_is_reported(alerts: Rows) -> None:
    assert {row["subject"] for row in alerts if row["alert_type"] == "DEVICE_CLOCK" and row["subject"].startswith("ck-")} == {
        "ck-7min"}


def test_a_slow_clock_is_no_silence(alerts: Rows) -> None:
    assert not [row for row in alerts if row["subject"] in EXPOSED and row["alert_type"] == "DEVICE_SILENT"]


def test_epoch_seconds_count_at_their_arrival(written: dict[str, Rows], alerts: Rows) -> None:
    found = readings_of(written, "sec-1")
    assert len(found) == 3
    assert all("clock" in ",".join(row["warnings"] or ()) for row in found)
    assert all(epoch_ms(row["event_time"]) > START_MS for row in found)
    assert not [row for row in alerts if row["subject"] == "sec-1" and row["alert_type"] == "TEMPERATURE_RISE"]


def test_milliseconds_with_an_exponent_are_the_same_time(written: dict[str, Rows], alerts: Rows) -> None:
    assert [epoch_ms(row["event_time"]) % 60_000 for row in readings_of(written, "ardu")] == [0]
    assert {(row["alert_type"], row["level"]) for row in alerts if row["subject"] == "ardu"} >= {
        ("TEMPERATURE_CRITICAL", "CRITICAL")}


def test_what_a_sensor_cannot_mean_is_not_measured(written: dict[str, Rows], alerts: Rows) -> None:
    assert [row["max_temperature"] for row in readings_of(written, "ds")] == [None, 21.4, 21.4]
    assert [row["max_temperature"] for row in readings_of(written, "s-flt")] == [None]
    found = {row["alert_type"] for row in alerts if row["subject"] in ("ds", "s-flt")}
    assert found <= {"DEVICE_SILENT", "SENSOR_FAULT"}


def test_what_is_refused_says_why_and_moves_no_time(written: dict[str, Rows]) -> None:
    reasons = sorted(letter["reason"] for letter in written["dead-letters"])
    assert [reason.split()[0] for reason in reasons] == ["idx", "timestamp", "timestamp"]
    assert [row["is_late"] for row in readings_of(written, "good")] == [False, False]
