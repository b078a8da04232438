"""A hundred thousand spoilt messages through the real detect job: each is counted, none moves another one's time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from kafka import KafkaConsumer, KafkaProducer

from commands.cluster.submit import connector_jars
from commands.replay.replay import local_configuration
from contract.topics import TOPICS
from core import installation
from core.settings import Settings
from infra.local import kafka
from jobs import detect
from tests.conftest import Rows
from tests.support.spoilt import NOW, mutants, sound_messages
from tests.support.waiting import until
from udfs.readings import decode, event_time

PREFIX = "spoilt."
SPOILT = 100_000
BETWEEN = 100
"""Spoilt messages from one message of the right device to the next."""
STEP_MS = 5
"""From one arrival to the next; all arrive within the minutes in which repetitions are known."""
SOUND, DEVICES = 20_000, 20
"""Sound messages, of which the spoilt ones are made; devices for each one of the vectors, so that none floods the job."""
RIGHT = "right-1"
AMBIGUOUS = "timestamp is ambiguous"
SAME_KEY = "same key, other content"


@dataclass
class Expected:
    """What must come of the messages: the keys of distinct readings, and the digests of refused messages.

    A reading is known by device, idx and time; that of a clock that is ahead by the time which it states, not by its arrival.
    """

    keys: dict[tuple[str, int, int], tuple[str, int, int]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)


def stream() -> Iterator[bytes]:
    """Yields the spoilt messages, with one of a device whose clock is right after every hundred."""
    for number, spoilt in enumerate(mutants(distinct(sound_messages()), SPOILT, seed=21)):
        yield spoilt
        if number % BETWEEN == BETWEEN - 1:
            place = number + number // BETWEEN + 1
            yield json.dumps({"deviceId": RIGHT, "idx": number, "timestamp": NOW + STEP_MS * place, "volt": 220}).encode()


def distinct(messages: Sequence[bytes]) -> list[bytes]:
    """Returns many messages, made of a few by giving each an idx of its own, and spreading them over more devices."""
    few = [json.loads(message) for message in messages]
    return [json.dumps(each | {"idx": idx, "deviceId": f"{each['deviceId']}-{idx % DEVICES}"}).encode()
            for idx, each in zip(range(SOUND), cycle(few), strict=False)]


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """Returns the messages in the order in which they are sent."""
    return list(stream())


@pytest.fixture(scope="module")
def written(brokers: str, messages: list[bytes]) -> Iterator[dict[str, Rows]]:
    """Sends the messages to a topic of one partition, runs the job, and returns its readings and dead letters."""
    kafka.create_topics(brokers, [replace(topic, partitions=1, retention_days=36_500) for topic in TOPICS], PREFIX)
    with closing(KafkaProducer(bootstrap_servers=brokers, linger_ms=50)) as producer:
        for number, message in enumerate(messages):
            producer.send(PREFIX + "telemetry", message, partition=0, timestamp_ms=NOW + STEP_MS * number)
        producer.flush()
    settings = Settings(kafka_brokers=brokers, topic_prefix=PREFIX, parallelism=1,
                        home=str(installation.home_folder(Settings.load())))
    jars = {"pipeline.jars": ";".join(jar.as_uri() for jar in connector_jars(settings))}
    client = detect.start(settings, {**local_configuration(), **jars}).get_job_client()
    assert client
    yield {topic: read_until(brokers, topic, last(messages) if topic == "readings" else None)
           for topic in ("readings", "dead-letters")}
    client.cancel().result()


def last(messages: Sequence[bytes]) -> int:
    """Returns the idx of the right device's last message."""
    return int(json.loads(messages[-1])["idx"])


def read_until(brokers: str, topic: str, idx: int | None) -> Rows:
    """Returns the rows of a topic up to the right device's message with an idx, or all that it contains now."""
    found: Rows = []
    options = {"bootstrap_servers": brokers, "auto_offset_reset": "earliest", "group_id": None}
    with closing(KafkaConsumer(PREFIX + topic, **options)) as consumer:
        def is_complete() -> bool:
            batches = consumer.poll(timeout_ms=2_000)
            found.extend(json.loads(each.value) for batch in batches.values() for each in batch)
            return any(is_right(row, idx) for row in found[-1_000:]) if idx is not None else bool(found) and not batches

        until(is_complete, lambda: f"the last row of {topic}, after {len(found)},")
    return found


def is_right(row: dict[str, Any], idx: int) -> bool:
    """Returns whether a row is the right device's reading with this idx."""
    return bool(row["device_id"] == RIGHT and row["idx"] == idx)


@pytest.fixture(scope="module")
def expected(messages: list[bytes], written: dict[str, Rows]) -> Expected:
    """Reads the messages in this process; those that a field given twice makes ambiguous are left out."""
    ambiguous = {letter["sha256"] for letter in written["dead-letters"] if letter["reason"].startswith(AMBIGUOUS)}
    wanted = Expected()
    for start in range(0, len(messages), 1_000):
        batch = messages[start:start + 1_000]
        arrivals = NOW + STEP_MS * (start + np.arange(len(batch), dtype=np.int64))
        count(wanted, batch, decode.read(batch, arrivals, arrivals), ambiguous)
    return wanted


def count(wanted: Expected, batch: Sequence[bytes], readings: decode.Readings, ambiguous: set[str]) -> None:
    """Adds what must come of a batch."""
    columns = (readings.columns[name] for name in ("device_id", "idx", "event_ms", "clock_offset"))
    for message, reason, device, idx, at, offset in zip(batch, readings.reason, *columns, strict=True):
        digest = hashlib.sha256(message).hexdigest()
        if digest in ambiguous:
            continue
        if reason:
            wanted.refused[digest] += 1
        else:
            stated = int(at) - round(1000 * offset) if offset < 0 else int(at)
            wanted.keys.setdefault((device, int(idx), stated), (device, int(idx), int(at)))


def test_every_spoilt_message_is_a_reading_a_repetition_or_a_dead_letter_with_its_reason(
        written: dict[str, Rows], expected: Expected) -> None:
    refused = Counter(letter["sha256"] for letter in written["dead-letters"]
                      if not letter["reason"].startswith((AMBIGUOUS, SAME_KEY)))
    assert refused == expected.refused
    assert refused.total() > SPOILT / 10
    keys = [(row["device_id"], row["idx"], event_time.to_epoch_ms(row["event_time"])) for row in written["readings"]]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(expected.keys.values())


def test_sql_and_python_read_the_same_time_in_every_message_that_gives_it_once(
        messages: list[bytes], written: dict[str, Rows]) -> None:
    ambiguous = {letter["sha256"] for letter in written["dead-letters"] if letter["reason"].startswith(AMBIGUOUS)}
    read_twice = [message for message in messages if hashlib.sha256(message).hexdigest() in ambiguous]
    assert [each for each in read_twice if each.count(b'timestamp"') < 2] == []


def test_no_spoilt_message_makes_that_of_another_device_late(written: dict[str, Rows]) -> None:
    late = [row["is_late"] for row in written["readings"] if row["device_id"] == RIGHT]
    assert len(late) == SPOILT // BETWEEN
    assert not any(late)
