"""Sends a corrected dead letter to the telemetry topic, after checking that the jobs will accept it."""

from __future__ import annotations

from kafka import KafkaProducer
from kafka.errors import KafkaError

from core import kafka_login
from services.dashboard.live.offsets import TIMEOUTS
from services.dashboard.problems import NotFoundError, UnavailableError, UnusableError
from services.dashboard.sources import Sources
from udfs.dead_letters import LONGEST_MESSAGE
from udfs.readings.documents import score

LONGEST = 262_144
SEND_SECONDS = 5.0


def send(sources: Sources, source: str | None, message: str, actor: str, address: str) -> None:
    """Sends a message and records it in the audit trail; `source` names the dead letter that it corrects, if any.

    A message that is sent twice is the same reading (device, idx, time) and counts once.

    Raises:
        UnusableError: the jobs would refuse the message, it is too long, or the dead letter holds only its beginning.
        NotFoundError: there is no such dead letter.
        UnavailableError: Kafka does not accept the message.
    """
    if source and "\0" in source:
        raise NotFoundError("no dead letter's source contains the character NUL")
    value = message.strip().encode()
    if source:
        _require_whole(sources, source)
    device = check(value)
    now = sources.now()
    with sources.database.transaction() as transaction:
        if source and not transaction.execute("mark_replayed", now=now, actor=actor, source=source):
            raise NotFoundError(f"there is no dead letter {source}")
        transaction.execute("record_replay", now=now, actor=actor, source=source, message=value.decode(), address=address)
        _produce(sources, device, value)
    sources.feed.changed()


def check(value: bytes) -> str:
    """Checks that the jobs would accept a message and returns its device id.

    Raises:
        UnusableError: the message is too long, or the jobs would refuse it, with their reason.
    """
    if len(value) > LONGEST or b"\0" in value:
        raise UnusableError(f"the message must be at most {LONGEST:,} bytes, none of them NUL")
    (document, is_accepted), = score([value], "correction")
    if not is_accepted:
        raise UnusableError(f"the message would be refused again: {document['reason']}")
    return str(document["device_id"])


def _require_whole(sources: Sources, source: str) -> None:
    """Refuses a dead letter that was cut: nobody can correct what they cannot see."""
    letter = sources.database.row("dead_letter_size", source=source)
    if letter and letter["is_cut"]:
        raise UnusableError(f"the dead letter {source} holds only the first {LONGEST_MESSAGE:,} of the message's "
                            f"{letter['size_bytes']:,} bytes and cannot be corrected; send the message again from its device")


def _produce(sources: Sources, device: str, value: bytes) -> None:
    brokers = sources.settings.kafka_brokers.split(",")
    try:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all", max_block_ms=4_000, delivery_timeout_ms=8_000, **TIMEOUTS,
                                 **kafka_login.client(sources.settings))
        try:
            sent = producer.send(sources.settings.topic("telemetry"), key=device.encode(), value=value)
            sent.get(timeout=SEND_SECONDS)
        finally:
            producer.close(timeout=1)
    except (KafkaError, OSError) as problem:
        raise UnavailableError("Kafka does not accept the message; nothing was recorded, try again once it answers") from problem
