"""Sizes at their limits: what a topic accepts, what a job sends, and dead letters of the largest messages, on a real broker."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import MessageSizeTooLargeError

from commands.cluster.submit import connector_jars
from commands.replay.replay import local_configuration
from contract.identifiers import LONGEST_BYTES
from contract.topics import LARGEST_BATCH, LARGEST_RECORD, TOPICS
from core import installation
from core.settings import Settings
from jobs import alert, detect
from services.dashboard.views import corrections
from tests.conftest import message
from tests.infra.test_schemas import example, schema
from tests.support.brokers import create_topics
from tests.support.waiting import until
from tests.udfs.test_lifecycle import outputs, reading
from udfs import dead_letters
from udfs.readings import decode, event_time

BATCH_OVERHEAD = 72
"""Bytes of a Kafka batch besides the value of its one record, which has no key and is longer than 8 KiB."""
PREFIX = "largest."
LONGEST_TEXT = "🔥" * (LONGEST_BYTES // 4)
"""The longest id: JSON escapes no character that an id may have."""
LONGEST_NUMBER = -1.7976931348623157e308
REFUSED = b"x" * (LARGEST_BATCH - BATCH_OVERHEAD)


@pytest.fixture(scope="module")
def topics(brokers: str) -> str:
    """Creates the project's topics under a prefix on the session's broker and returns its address."""
    create_topics(brokers, PREFIX)
    return brokers


@pytest.fixture(scope="module")
def producer(topics: str) -> Iterator[KafkaProducer]:
    """Yields a producer that lets the broker decide what is too large, and continues after a refusal."""
    with closing(KafkaProducer(bootstrap_servers=topics, max_request_size=2 * LARGEST_BATCH, acks="all",
                               enable_idempotence=False)) as made:
        yield made


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_every_topic_accepts_a_batch_of_its_limit_and_not_a_byte_more(producer: KafkaProducer, topic: str) -> None:
    producer.send(PREFIX + topic, REFUSED).get(timeout=60)
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(PREFIX + topic, REFUSED + b"x").get(timeout=60)


def test_the_largest_record_of_a_job_fits_whatever_compression_adds() -> None:
    """Flink's producers compress per batch; gzip, snappy and lz4 add less than a hundredth to incompressible bytes."""
    assert LARGEST_RECORD + LARGEST_RECORD // 100 + BATCH_OVERHEAD < LARGEST_BATCH
    assert corrections.LONGEST < LARGEST_RECORD


def longest(declared: dict[str, Any], defined: dict[str, Any]) -> Any:
    """Returns the longest value of a JSON Schema: a text as long as an id, a list of these, or a number."""
    declared |= defined.get(declared.get("$ref", "").rpartition("/")[2], {})
    kinds = declared.get("type", "string")
    if "enum" in declared or "const" in declared:
        return max(map(str, declared.get("enum", [declared.get("const")])), key=len)
    if "array" in kinds:
        return [LONGEST_TEXT] * len(decode.MEASUREMENTS)
    return LONGEST_NUMBER if {"number", "integer"} & {*kinds, kinds if isinstance(kinds, str) else ""} else LONGEST_TEXT


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS if topic.name not in ("telemetry", "dead-letters", "alerts",
                                                                                        "alert-state")])
def test_the_largest_row_of_a_result_is_far_below_what_a_job_may_send(topic: str) -> None:
    whole = schema(topic)
    row = {name: longest(dict(declared), whole.get("$defs", {})) for name, declared in whole["properties"].items()}
    assert row.keys() == example(topic).keys()
    assert len(json.dumps(row, ensure_ascii=False).encode()) < LARGEST_RECORD / 10


def test_the_largest_alert_is_far_below_what_a_job_may_send() -> None:
    candidates = [reading(second, level=level, subject=LONGEST_TEXT, site_id=LONGEST_TEXT, profile_version=LONGEST_TEXT,
                          alert_type=LONGEST_TEXT, max_temperature=-LONGEST_NUMBER, voltage=-LONGEST_NUMBER, status_bits=4095)
                  for second, level in ((1, "HIGH"), (2, "CRITICAL"), (1000, "CRITICAL"))]
    rows = outputs(candidates)
    assert {row["transition"] for row in rows} >= {"OPENED", "ESCALATED", "REMINDED"}
    assert max(len(json.dumps(row, ensure_ascii=False).encode()) for row in rows) < LARGEST_RECORD / 10


@pytest.mark.parametrize("size", [0, 1, dead_letters.LONGEST_MESSAGE, dead_letters.LONGEST_MESSAGE + 1, LARGEST_BATCH])
def test_a_dead_letter_keeps_the_beginning_the_size_and_the_digest_of_any_message(size: int) -> None:
    message = bytes(number % 251 for number in range(size))
    letter = dead_letters.document(message, "\x00" * LARGEST_BATCH, "telemetry[3]@9", "2025-10-09T09:00:00.959Z")
    assert base64.b64decode(letter["message"]) == message[:65_536]
    assert (letter["size_bytes"], letter["is_cut"]) == (size, size > 65_536)
    assert letter["sha256"] == hashlib.sha256(message).hexdigest()
    assert len(letter["reason"]) == 500
    assert len(json.dumps(letter).encode()) < LARGEST_RECORD / 10


def test_a_record_without_a_value_has_a_dead_letter_without_bytes() -> None:
    letter = dead_letters.document(None, "message is empty", "telemetry[3]@9")
    assert (letter["message"], letter["size_bytes"], letter["sha256"], letter["is_cut"]) == (None, 0, None, False)


@pytest.fixture(scope="module")
def running(topics: str) -> Iterator[None]:
    """Runs the detect and alert jobs on mini-clusters; they read all records of the topics, also those of earlier tests."""
    home = str(installation.home_folder(Settings.load()))
    settings = Settings(kafka_brokers=topics, topic_prefix=PREFIX, parallelism=1, home=home)
    jars = {"pipeline.jars": ";".join(jar.as_uri() for jar in connector_jars(settings))}
    started = [job.start(settings, {**local_configuration(), **jars}) for job in (detect, alert)]
    yield
    for each in started:
        client = each.get_job_client()
        assert client
        client.cancel().result()


def awaited(topics: str, topic: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Returns the first matching row of a topic; skips records that are not JSON."""
    options = {"bootstrap_servers": topics, "auto_offset_reset": "earliest", "group_id": None}
    with closing(KafkaConsumer(PREFIX + topic, **options)) as consumer:
        def found() -> list[dict[str, Any]]:
            values = [each.value for batch in consumer.poll(timeout_ms=500).values() for each in batch]
            return [row for row in (json.loads(value) for value in values if value.startswith(b"{")) if wanted(row)]

        return until(found, f"the row in {topic}")[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("topic", ["telemetry", "candidates"])
def test_the_largest_message_of_a_topic_becomes_a_cut_dead_letter(topics: str, producer: KafkaProducer, running: None,
                                                                  topic: str) -> None:
    unlike = REFUSED[:-1] + topic[:1].encode()
    producer.send(PREFIX + topic, unlike).get(timeout=60)
    digest = hashlib.sha256(unlike).hexdigest()
    letter = awaited(topics, "dead-letters", lambda row: row["sha256"] == digest)
    assert letter["source"].startswith(f"{PREFIX}{topic}[")
    assert (letter["size_bytes"], letter["is_cut"], letter["schema_version"]) == (len(unlike), True, 1)
    assert base64.b64decode(letter["message"]) == unlike[:65_536]
    event_time.to_epoch_ms(letter["record_time"])


def test_a_message_after_the_largest_is_scored_and_alerts(topics: str, producer: KafkaProducer, running: None) -> None:
    hot = message("behind", timestamp=time.time_ns() // 1_000_000, pcbTemp=95.0)
    producer.send(PREFIX + "telemetry", hot, key=b"behind").get(timeout=60)
    assert awaited(topics, "readings", lambda row: row["device_id"] == "behind")["risk_level"] == "CRITICAL"
    assert awaited(topics, "alerts", lambda row: row["subject"] == "behind")["transition"] == "OPENED"
