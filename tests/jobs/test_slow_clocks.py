"""Readings of a steadily slow clock are counted by arrival; those of a right clock and of a backlog by their own time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

from commands.cluster.submit import connector_jars
from commands.replay.replay import local_configuration
from core import installation
from core.settings import Settings
from jobs import detect
from tests.conftest import Rows, epoch_ms
from tests.jobs.test_duplicates import HOUR, Reading, counted, environment, write
from tests.support.brokers import create_topics
from tests.support.dumps import dump
from tests.support.waiting import until

LATENESS = 5
SLOW = {"right": 0, "6 s slow": 6, "7 min slow": 420, "fast": -1200}
"""The devices in a room with 120 ppm carbon monoxide, and by how much their clocks are slow, s."""
WRONG = {"7 min slow": 420, "fast": -1200}
LIVE_MINUTES, JUDGED_MINUTES = 40, 32
"""How long they send; windows wait for the slowest partition, which is 7 min behind the others at the end."""
COLUMNS = ("number, TIMESTAMPDIFF(SECOND, CAST(event_time AS TIMESTAMP(3)), CAST(steady_time AS TIMESTAMP(3))) AS added, "
           "is_on_time")
Timed = tuple[float, float]
"""When a reading arrives, s, and how long before it was measured by its device's clock, s."""
Counted = list[tuple[int, bool]]
"""What is added to the time of each reading, s, and whether windows count it."""


def every(seconds: float, until: float, distance: float, jitter: float = 0, start: float = 0) -> list[Timed]:
    chance = random.Random(seconds)
    return [(start + number * seconds, distance + chance.uniform(0, jitter)) for number in range(int((until - start) / seconds))]


def backlog(seconds: float, offline: float, a_second: float, chunk: int = 10**6, pause: float = 0, slow: float = 0
            ) -> list[Timed]:
    """Sends what was measured every so often while offline, from its oldest on, in chunks with pauses between them."""
    sent = ((number / a_second + number // chunk * pause, number * seconds) for number in range(int(offline / seconds)))
    return [(arrived, slow + offline + arrived - measured) for arrived, measured in sent if measured < offline + arrived]


CASES: dict[str, list[Timed]] = {
    "right": every(15, 600, 0, 1),
    "right, with stragglers": [(at, 8 if number % 7 == 3 else 0.3) for number, (at, _) in enumerate(every(15, 600, 0))],
    "7 min slow": every(15, 600, 420, 1),
    "6 s slow": every(15, 600, 6, 1),
    "a day slow": every(15, 600, 86400, 1),
    "backlog": backlog(15, 2 * HOUR, 20) + every(15, 900, 0, 1, 60),
    "slow backlog": backlog(15, 2 * HOUR, 0.2),
    "backlog in chunks": backlog(15, 2 * HOUR, 20, 10, 14.5),
    "live and stored": sorted(every(15, 600, 0, 1) + every(15, 600, 7200, 1, 5)),
    "batches": sorted((60 * batch + 0.1 * n, 60 - 5 * n) for batch in range(20) for n in range(12)),
    "corrected": every(15, 300, 420, 1) + every(15, 600, 0, 1, 300),
    "falls behind": every(15, 300, 0, 1) + every(15, 600, 420, 1, 300),
    "slow, with backlog": every(15, 300, 420, 1) + [(300 + at, behind) for at, behind in backlog(15, 1800, 20, slow=420)]
                          + every(15, 900, 420, 1, 330),
    "alone after a while": every(15, 1800, 420, 1),
    "on time, the only one": every(15, 600, 420, 1),
    "on time, beside a right one": every(15, 600, 420, 1),
    "on time, an hour slow": every(15, 600, 3600, 1),
}  # fmt: skip


def readings(device: str, start: float, timed: Iterable[Timed]) -> list[Reading]:
    """Returns a device's readings in a stream whose other clocks are right."""
    late_until = {"on time": 0, "alone after": 300}.get(" ".join(device.split()[:2]).strip(","), float("inf"))
    return [Reading(device, idx, start + arrived - distance, start + arrived - LATENESS, start + arrived,
                    distance > LATENESS and arrived < late_until) for idx, (arrived, distance) in enumerate(timed)]


def beside(start: float) -> list[Reading]:
    """Returns the readings of a right clock."""
    return [each._replace(device="beside") for each in readings("on time", start, every(15, 600, 0, 1, -1))]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counted]:
    """Returns how the readings of each case are counted, from one run over all cases."""
    file = tmp_path_factory.mktemp("clocks") / "scored.json"
    starts = {name: 10_000 * HOUR * number for number, name in enumerate(CASES, 100)}
    stream = [each for name, timed in CASES.items() for each in sorted(
        readings(name, starts[name], timed) + (beside(starts[name]) if "right one" in name or "hour" in name else []),
        key=lambda each: each.arrived or 0)]
    write(file, stream)
    by_case: dict[str, Counted] = {name: [] for name in CASES}
    with counted(environment(), file, columns=COLUMNS).collect() as rows:
        for number, added, is_on_time in rows:
            by_case.setdefault(stream[number].device, []).append((added, is_on_time))
    return by_case


def test_right_clock_is_counted_by_its_own_time(found: dict[str, Counted]) -> None:
    assert set(found["right"]) == {(0, True)}


def test_late_reading_of_a_right_clock_stays_late(found: dict[str, Counted]) -> None:
    assert found["right, with stragglers"] == [(0, number % 7 != 3) for number in range(40)]


@pytest.mark.parametrize(("case", "distance"), [("6 s slow", 6), ("7 min slow", 420), ("a day slow", 86400)])
def test_slow_clock_is_counted_by_arrival_from_its_second_reading_on(case: str, distance: int, found: dict[str, Counted]) -> None:
    assert found[case] == [(0, False), *39 * [(distance, True)]]


def test_slow_clock_beside_a_right_one_is_counted_by_arrival_though_it_is_on_time(found: dict[str, Counted]) -> None:
    assert found["on time, beside a right one"] == [(0, False), *39 * [(420, True)]]
    assert set(found["beside"]) == {(0, True)}


def test_slow_clock_stays_counted_by_arrival_while_right_ones_pause(found: dict[str, Counted]) -> None:
    assert found["alone after a while"] == [(0, False), *119 * [(420, True)]]


@pytest.mark.parametrize("case", ["on time, the only one", "on time, an hour slow"])
def test_windows_do_not_wait_for_a_clock_that_is_on_time(case: str, found: dict[str, Counted]) -> None:
    assert set(found[case]) == {(0, True)}


@pytest.mark.parametrize(("case", "stored"), [("backlog", 480), ("slow backlog", 480), ("backlog in chunks", 480)])
def test_backlog_stays_late_and_what_follows_counts_by_its_own_time(case: str, stored: int, found: dict[str, Counted]) -> None:
    assert found[case] == [*stored * [(0, False)], *(len(found[case]) - stored) * [(0, True)]]


@pytest.mark.parametrize("case", ["live and stored", "batches"])
def test_stored_readings_between_those_of_a_right_clock_stay_late(case: str, found: dict[str, Counted]) -> None:
    assert found[case] == [(0, distance <= LATENESS) for _, distance in CASES[case]]


def test_clock_that_is_corrected_is_counted_by_its_own_time_at_once(found: dict[str, Counted]) -> None:
    assert found["corrected"] == [(0, False), *19 * [(420, True)], *20 * [(0, True)]]


def test_clock_that_falls_behind_is_counted_by_arrival(found: dict[str, Counted]) -> None:
    assert found["falls behind"] == [*20 * [(0, True)], (0, False), *19 * [(420, True)]]


def test_backlog_of_a_slow_clock_stays_late(found: dict[str, Counted]) -> None:
    assert found["slow, with backlog"] == [(0, False), *19 * [(420, True)], *120 * [(0, False)], *38 * [(420, True)]]


def rounds(start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields arrivals, epoch ms, and messages: one of each device every 15 s, then others', so that all windows close."""
    for idx in range(4 * LIVE_MINUTES):
        for device, slow in SLOW.items():
            yield start + 15_000 * idx, {"deviceId": device, "idx": idx, "timestamp": start + 1000 * (15 * idx - slow), "co": 120}
    for idx in range(9):
        arrival = start + 60_000 * LIVE_MINUTES + 15_000 * idx
        yield arrival, {"deviceId": "last", "idx": idx, "timestamp": arrival, "pcbTemp": 20 if idx < 8 else 95}


@pytest.fixture(scope="module", params=["one partition", "partitions by device"])
def candidates(brokers: str, request: pytest.FixtureRequest) -> Iterator[list[dict[str, Any]]]:
    """Sends the rounds at once, with the times of their arrival, and returns the candidates of the real job."""
    prefix = f"clocks.{request.param.partition(' ')[0]}."
    create_topics(brokers, prefix)
    start = time.time_ns() // 60_000_000_000 * 60_000 - 60_000 * (LIVE_MINUTES + 10)
    with closing(KafkaProducer(bootstrap_servers=brokers)) as producer:
        for arrival, message in rounds(start):
            place = {"partition": 0} if request.param == "one partition" else {"key": message["deviceId"].encode()}
            producer.send(prefix + "telemetry", json.dumps(message).encode(), timestamp_ms=arrival, **place)
    settings = Settings(kafka_brokers=brokers, topic_prefix=prefix, parallelism=1, idle_timeout_seconds=2,
                        home=str(installation.home_folder(Settings.load())))
    jars = {"pipeline.jars": ";".join(jar.as_uri() for jar in connector_jars(settings))}
    client = detect.start(settings, {**local_configuration(), **jars}).get_job_client()
    assert client
    reading = KafkaConsumer(prefix + "candidates", bootstrap_servers=brokers, auto_offset_reset="earliest", group_id=None)
    with closing(reading):
        found: list[dict[str, Any]] = []

        def is_complete() -> bool:
            found.extend(json.loads(each.value) for batch in reading.poll(timeout_ms=500).values() for each in batch)
            judged = {(row["subject"], row["alert_type"]) for row in found
                      if epoch_ms(row["event_time"]) >= start + 60_000 * JUDGED_MINUTES}
            return judged >= {*((device, "CO_EXPOSURE") for device in SLOW), *((device, "DEVICE_CLOCK") for device in WRONG)}

        until(is_complete, "the candidates of the last minute", seconds=240)
        yield found
    client.cancel().result()


def raised(candidates: list[dict[str, Any]], alert_type: str) -> dict[str, list[dict[str, Any]]]:
    """Returns the candidates of an alert type by subject."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in candidates:
        if row["alert_type"] == alert_type:
            found.setdefault(row["subject"], []).append(row)
    return found


def test_clocks_of_all_kinds_have_the_same_findings_within_a_minute(candidates: list[dict[str, Any]]) -> None:
    first = {device: epoch_ms(rows[0]["event_time"]) for device, rows in raised(candidates, "CO_EXPOSURE").items()}
    assert first.keys() == SLOW.keys()
    assert max(first.values()) - min(first.values()) <= 60_000


def test_wrong_clock_raises_an_alert_with_its_offset(candidates: list[dict[str, Any]]) -> None:
    wrong = raised(candidates, "DEVICE_CLOCK")
    assert {(device, row["min_clock_offset"]) for device, rows in wrong.items() for row in rows} == WRONG.items()


def test_wrong_clock_is_not_silent(candidates: list[dict[str, Any]]) -> None:
    assert raised(candidates, "DEVICE_SILENT") == {}


def corrected(start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the rounds, in which two clocks are set right after their first half."""
    for arrival, message in rounds(start):
        is_right = message["idx"] >= 2 * LIVE_MINUTES and message["deviceId"] in WRONG
        yield arrival, message | ({"timestamp": arrival, "co": 1} if is_right else {})


@pytest.fixture(scope="module")
def alerts(replay: Callable[..., dict[str, Rows]]) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Replays a dump of the corrected rounds; returns transitions and their minutes by device and alert type."""
    start = epoch_ms("2025-10-09T18:00:00Z")
    results = replay(dump((arrival, json.dumps(message).encode()) for arrival, message in corrected(start)))
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in results["alerts"]:
        minute = (epoch_ms(row["event_time"]) - start) // 60_000
        found.setdefault((row["subject"], row["alert_type"]), []).append((row["transition"], minute))
    return found


def test_alerts_of_wrong_clocks_open_with_those_of_right_ones(alerts: dict[tuple[str, str], list[tuple[str, int]]]) -> None:
    opened = {device: transitions[0] for (device, kind), transitions in alerts.items() if kind == "CO_EXPOSURE"}
    assert opened == dict.fromkeys(SLOW, ("OPENED", 9))
    assert not [kind for _, kind in alerts if kind == "DEVICE_SILENT"]


@pytest.mark.parametrize("device", WRONG)
def test_alert_of_a_clock_ends_five_minutes_after_its_correction(
        device: str, alerts: dict[tuple[str, str], list[tuple[str, int]]]) -> None:
    told = [each for each in alerts[device, "DEVICE_CLOCK"] if each[0] != "REMINDED"]
    assert [transition for transition, _ in told] == ["OPENED", "CLEARED"]
    assert told[0][1] == 5 and LIVE_MINUTES // 2 + 5 <= told[1][1] <= LIVE_MINUTES // 2 + 6
