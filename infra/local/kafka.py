"""The embedded Kafka broker: a single KRaft node, both broker and controller, on the loopback address."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from contract.topics import DAY_MS, LARGEST_BATCH, TOPICS, Topic
from core import installation, kafka_login
from core.settings import Settings
from infra.local import ports, processes
from infra.local.flink_config import TIGHT_HEAP
from infra.local.java import Java

START_SECONDS = 300.0
# By default the log cleaner alone takes 128 MB, half of this heap; see log.cleaner.dedupe.buffer.size below.
HEAP = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *TIGHT_HEAP)
FORMAT_HEAP = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

SERVER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
transaction.max.timeout.ms=900000
"""

LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = File
logger.server.name = kafka.server
logger.server.level = INFO
appender.file.type = RollingFile
appender.file.name = File
appender.file.fileName = {folder}/server.log
appender.file.filePattern = {folder}/server.%i.old
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %c - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
"""


def folder(home: Path) -> Path:
    """Returns the folder of the broker's configuration, data and logs."""
    return installation.state(home) / "kafka"


def start(home: Path, java: Java, port: int, controller_port: int) -> None:
    """Starts the broker unless it runs, and waits until it accepts connections."""
    here = folder(home)
    if processes.alive(here):
        return
    _configure(here, port, controller_port)
    launch = (java.command, f"-Dlog4j2.configurationFile=file:{here}/log4j2.properties", "-cp", f"{home}/jars/kafka/*")
    if not (here / "data" / "meta.properties").exists():
        _format(here, launch)
    # The environment is not inherited, as KAFKA_OPTS and similar variables could change where the broker listens.
    processes.start(here, [launch[0], *HEAP, *launch[1:], "kafka.Kafka", str(here / "server.properties")],
                    env={"PATH": os.defpath, "MALLOC_ARENA_MAX": "2"})
    processes.wait_until(lambda: ports.accepts(port), f"Kafka on 127.0.0.1:{port}", here, START_SECONDS)


def stop(home: Path) -> bool:
    """Stops the broker; returns whether it ran."""
    return processes.stop(folder(home), signal.SIGTERM, grace=20.0)


def _configure(here: Path, port: int, controller_port: int) -> None:
    (here / "data").mkdir(parents=True, exist_ok=True)
    text = SERVER.format(port=port, controller_port=controller_port, data=here / "data")
    (here / "server.properties").write_text(text)
    (here / "log4j2.properties").write_text(LOGGING.format(folder=here))


def _format(here: Path, launch: tuple[str, ...]) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = [launch[0], *FORMAT_HEAP, *launch[1:], "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}",
               "-c", str(here / "server.properties")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if result.returncode:
        raise processes.ProcessError(f"Kafka's data folder {here}/data could not be prepared; its tool wrote:\n"
                                     f"{result.stdout}{result.stderr}")


def create_topics(brokers: str, topics: Iterable[Topic], prefix: str = "", security: Mapping[str, Any] | None = None
                  ) -> list[str]:
    """Creates the missing topics with their partitions and retention; returns the names of the new ones."""
    from kafka.admin import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=brokers, **(security or {}))
    try:
        present = set(admin.list_topics())
        wanted = {f"{prefix}{topic.name}": _options(topic) for topic in topics}
        missing = {name: options for name, options in wanted.items() if name not in present}
        if missing:
            admin.create_topics(missing, wait_for_metadata=True)
        return list(missing)
    finally:
        admin.close()


def _options(topic: Topic) -> Mapping[str, object]:
    # -1 is the brokers' default.replication.factor.
    return {"num_partitions": topic.partitions, "replication_factor": -1,
            "configs": {"retention.ms": str(topic.retention_days * DAY_MS), "max.message.bytes": str(LARGEST_BATCH)}}


def end_offsets(brokers: str, topics: Iterable[str]) -> dict[str, int]:
    """Returns the sum of the end offsets of each topic, which counts all records ever written and transaction markers."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=brokers)
    try:
        return {topic: sum(consumer.end_offsets([TopicPartition(topic, number) for number in
                                                 consumer.partitions_for_topic(topic) or ()]).values())
                for topic in topics}
    finally:
        consumer.close()


def main() -> None:
    """Creates the missing topics on the configured brokers (`python -m infra.local.kafka`)."""
    settings = Settings.load()
    created = create_topics(settings.kafka_brokers, TOPICS, settings.topic_prefix, kafka_login.client(settings))
    print(f"created {', '.join(created)}" if created else "all topics exist")


if __name__ == "__main__":
    main()
