"""`./fire simulate`: sends the messages of a simulated fleet to Kafka in real time and reports exactly what was sent."""

from __future__ import annotations

import argparse
import contextlib
import functools
import gzip
import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2
from rich.console import Console
from rich.live import Live

from commands.simulate.fleet import Message, events
from commands.simulate.scenarios import Plan, PlanError
from core import kafka_login
from core.errors import FireError
from core.interruption import interruptible
from core.settings import Settings

SMALLEST_PAUSE = 0.002  # seconds; shorter pauses cost more than the bursts that they avoid
FLUSH_SECONDS = 60.0
REFRESH_SECONDS = 0.5
PLAIN_SECONDS = 10.0
PLAINTEXT: Mapping[str, Any] = MappingProxyType({})


class SendError(FireError):
    """Messages could not be sent; the text names the broker or topic and the remedy."""


@dataclass
class Sent:
    """Exact counts of the messages sent, by kind: `reading`, `duplicate`, or the kind of malformed message."""

    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """The number of all messages, including malformed ones and duplicates."""
        return sum(list(self.kinds.values()))  # a copy: the sender may add a kind meanwhile

    @property
    def readings(self) -> int:
        """The number of valid messages without duplicates, each of which must be stored once."""
        return self.kinds["reading"]

    @property
    def duplicates(self) -> int:
        """The number of exact repeats of a valid message, none of which may be stored again."""
        return self.kinds["duplicate"]

    @property
    def malformed(self) -> int:
        """The number of malformed messages, each of which must become a dead letter."""
        return self.messages - self.readings - self.duplicates

    def __str__(self) -> str:
        spoilt = {kind: count for kind, count in sorted(self.kinds.items()) if kind not in ("reading", "duplicate")}
        detail = ", ".join(f"{kind} {count}" for kind, count in spoilt.items())
        return (f"{self.messages:,} messages: {self.readings:,} readings, {self.malformed:,} malformed"
                f"{f' ({detail})' if detail else ''}, {self.duplicates:,} duplicates")


class Fleet:
    """Sends the messages of a simulated fleet from a thread of its own, until its plan ends or it is stopped.

    `behind` is the longest time that a message was sent after it was due, in seconds.
    """

    def __init__(self, plan: Plan, brokers: str, topic: str, security: Mapping[str, Any] = PLAINTEXT) -> None:
        self.plan, self.brokers, self.topic, self.security = plan, brokers, topic, security
        self.sent = Sent()
        self.start_ms, self.behind = 0, 0.0
        self._refused: list[BaseException] = []
        self._problem: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        """Connects and starts sending; event time starts now.

        Raises:
            SendError: no broker answers, or the topic does not exist.
        """
        self._producer = _producer(self.brokers, self.topic, self.security)
        self.start_ms = time.time_ns() // 1_000_000
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the fleet is still sending."""
        return self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Waits until the fleet has sent everything, for at most this many seconds."""
        self._thread.join(seconds)

    def stop(self) -> Sent:
        """Stops sending, waits until the broker has confirmed every message, and returns the counts.

        Raises:
            SendError: the broker did not confirm every message.
        """
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._problem or self._refused:
            cause = self._problem or self._refused[0]
            raise SendError(f"{self.brokers} did not confirm every message ({cause}); see the broker's log") from cause
        return self.sent

    def _run(self) -> None:
        try:
            self._send(time.monotonic())
            self._producer.flush(timeout=FLUSH_SECONDS)
        except Exception as problem:  # stop() raises it in the caller's thread
            self._problem = problem
        finally:
            self._producer.close(timeout=FLUSH_SECONDS)

    def _send(self, begun: float) -> None:
        partition_of = _partitions(sorted(self._producer.partitions_for(self.topic)))
        for message in events(self.plan, self.start_ms):
            if not self._in_time(begun + message.at):
                return
            confirmation = self._producer.send(self.topic, message.value, message.key,
                                               partition=partition_of(message.key))
            confirmation.add_errback(self._refused.append)
            self.sent.kinds[message.kind] += 1

    def _in_time(self, due: float) -> bool:
        """Waits until a message is due by the schedule, which keeps delays from adding up; returns False once stopped."""
        ahead = due - time.monotonic()
        self.behind = max(self.behind, -ahead)
        if ahead > SMALLEST_PAUSE:
            return not self._stop.wait(ahead)
        return not self._stop.is_set()


def _partitions(numbers: list[int]) -> Callable[[bytes], int]:
    """Returns the client's own partitioning by key, cached because its hash in plain Python costs a tenth of a message."""
    return functools.cache(lambda key: numbers[(murmur2(key) & 0x7FFF_FFFF) % len(numbers)])


def _producer(brokers: str, topic: str, security: Mapping[str, Any]) -> KafkaProducer:
    try:
        producer = KafkaProducer(bootstrap_servers=brokers.split(","), client_id="fire-simulate", acks="all",
                                 enable_idempotence=True, linger_ms=5, batch_size=131_072,
                                 allow_auto_create_topics=False, **security)
    except KafkaError as problem:
        raise SendError(f"no Kafka broker answers at {brokers} ({problem}); start one with ./fire up, or name it "
                        "with --brokers") from problem
    if not producer.partitions_for(topic):
        producer.close()
        raise SendError(f"Kafka at {brokers} has no topic {topic!r}; create it, or start a stack with ./fire up")
    return producer


def run(args: argparse.Namespace) -> int:
    """Sends the simulated messages to Kafka, or writes them to `args.out`."""
    plan = Plan(scenario=args.scenario, devices=args.devices, sites=args.sites, rate=args.rate, seed=args.seed,
                count=args.count, duration=args.duration)
    with interruptible():
        return _write(plan, args.out) if args.out else _send(plan, args.brokers)


def _send(plan: Plan, brokers: str | None) -> int:
    settings = Settings.load()
    fleet = Fleet(plan, brokers or _local_brokers(settings) or settings.kafka_brokers, settings.topic("telemetry"),
                  kafka_login.client(settings))
    fleet.start()
    began = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        _show_rate(fleet)
    sent = fleet.stop()
    elapsed = time.monotonic() - began
    print(f"sent {sent}; {sent.messages / elapsed:,.1f}/s over {elapsed:,.1f} s")
    return 0


def _local_brokers(settings: Settings) -> str | None:
    from core import installation
    from infra.local import stack

    running = stack.running(installation.home_folder(settings))
    return running.kafka_brokers if running else None


def _show_rate(fleet: Fleet) -> None:
    console = Console()
    display = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    with display or contextlib.nullcontext() as live:
        seen, at = 0, time.monotonic()
        while fleet.running:
            fleet.wait(REFRESH_SECONDS if live else PLAIN_SECONDS)
            now, total = time.monotonic(), fleet.sent.messages
            line = f"{fleet.plan.scenario}: {(total - seen) / (now - at):,.0f} messages/s, {total:,} sent"
            seen, at = total, now
            live.update(line, refresh=True) if live else print(line, flush=True)


def _write(plan: Plan, target: str) -> int:
    if plan.count is None and plan.duration is None and target != "-":
        raise PlanError(f"{target} would never end; add --count N or --for DURATION")
    sent, start_ms = Sent(), time.time_ns() // 1_000_000
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError), _opened(target) as file:
        write(plan, start_ms, file, sent)
    if target != "-":
        _date(Path(target), start_ms / 1000 + sent.messages / plan.rate)
    print(f"wrote {sent}", file=sys.stderr)
    return 0


def _date(file: Path, last: float) -> None:
    """Gives a file the time of its last message if that is yet to come: a file with later messages than itself is refused."""
    if last > time.time():
        os.utime(file, (last, last))


def _opened(target: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    if target == "-":
        return contextlib.nullcontext(sys.stdout.buffer)
    return gzip.open(target, "wb", compresslevel=1) if target.endswith(".gz") else Path(target).open("wb")  # type: ignore[return-value]


def write(plan: Plan, start_ms: int, file: IO[bytes], sent: Sent | None = None) -> Sent:
    """Writes a plan's messages to a file, one per line and as fast as possible, and returns their counts."""
    sent = sent or Sent()
    for batch in _batches(events(plan, start_ms)):
        file.write(b"".join(message.value + b"\n" for message in batch))
        sent.kinds.update(message.kind for message in batch)
    file.flush()
    return sent


def _batches(messages: Iterator[Message], size: int = 1000) -> Iterator[list[Message]]:
    while batch := list(itertools.islice(messages, size)):
        yield batch
