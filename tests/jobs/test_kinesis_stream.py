"""Devices' records in Kinesis, through the real jobs, to alerts in Kinesis and in Kafka; Kinesis is moto's, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from contract.topics import TOPICS
from core import embedded_stack, installation
from core.settings import Settings
from infra.local import java, kafka, ports
from infra.local import stack as embedded

HOME = installation.home_folder(Settings.load())
ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/"
DEADLINE_SECONDS = 180.0
STREAMS = ("telemetry", "candidates", "alerts", "alert-state", "dead-letters", "readings", "device-minutes",
           "device-5min-aggregates", "temperature-rises", "temperature-anomalies", "co-exposure", "risk-spikes", "arc-patterns",
           "device-correlations", "site-risk", "device-patterns")
JOB = """
import sys
from pathlib import Path
from jobs import alert, detect
from commands.replay.replay import local_configuration
from core.settings import Settings
from commands.cluster.submit import connector_jars
settings = Settings.load()
jars = ";".join(jar.as_uri() for jar in connector_jars(settings))
{"detect": detect, "alert": alert}[sys.argv[1]].start(settings, {**local_configuration(), "pipeline.jars": jars}).wait()
"""
"""A job for ever, on a mini-cluster of its own, whose Java finds credentials in its environment as in production."""


@pytest.fixture(scope="module")
def kinesis() -> Iterator[Any]:
    """Kinesis with a stream of two shards for each topic."""
    jar = Settings.load().kinesis_jar
    if not Path(jar).is_file():
        pytest.skip("the connector org.apache.flink:flink-sql-connector-aws-kinesis-streams:6.0.0-2.0 is not there; download it "
                    "from a Maven repository, then: FIRE_KINESIS_JAR=path ./fire test -k kinesis_stream")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    client = boto3.client("kinesis", endpoint_url="http://{}:{}".format(*server.get_host_and_port()), region_name="us-east-1",
                          aws_access_key_id="test", aws_secret_access_key="test")
    for stream in STREAMS:
        client.create_stream(StreamName=stream, ShardCount=2)
    yield client
    server.stop()


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    home = embedded.fresh_home(HOME, "test-kinesis")
    chosen = ports.choose(embedded_stack.DEFAULT_PORTS, print)
    installation.state(home).mkdir(parents=True)
    kafka.start(home, java.find(), chosen["Kafka"], chosen["Kafka's controller"])
    address = f"127.0.0.1:{chosen['Kafka']}"
    kafka.create_topics(address, TOPICS)
    yield address
    kafka.stop(home)


@pytest.fixture(scope="module")
def running(kinesis: Any, brokers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The detect job, and the alert job twice: with alerts to Kinesis and to Kafka."""
    folder = tmp_path_factory.mktemp("jobs")
    environment = os.environ | {
        "PYTHONPATH": str(installation.ROOT), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true", "CBOR_ENABLED": "false", "FIRE_SOURCE": "kinesis", "FIRE_KINESIS_STREAMS": ARN,
        "FIRE_KINESIS_ENDPOINT": kinesis.meta.endpoint_url, "FIRE_KINESIS_DISCOVERY_SECONDS": "5", "FIRE_PARALLELISM": "2",
        "FIRE_KAFKA_BROKERS": brokers, "FIRE_HOME": str(HOME)}
    environment.pop("PYFLINK_GATEWAY_DISABLED", None)
    started = []
    for number, (job, more) in enumerate((("detect", {}), ("alert", {}), ("alert", {"FIRE_ALERTS": "kafka"}))):
        with (folder / f"{number}.log").open("wb") as log:
            started.append(subprocess.Popen([sys.executable, "-c", JOB, job], env=environment | more, stdout=log, stderr=log))
    yield
    for process in started:
        process.terminate()
        process.wait(60)


def send(kinesis: Any) -> None:
    for number in range(10):
        for device in ("hot", "calm", "cool"):
            body = {"deviceId": device, "idx": number, "timestamp": time.time_ns() // 1_000_000, "status": 0,
                    "pcbTemp": 90.0 if device == "hot" else 30.0}
            kinesis.put_record(StreamName="telemetry", Data=json.dumps(body).encode(), PartitionKey=device)
    kinesis.put_record(StreamName="telemetry", Data=b"rubbish", PartitionKey="hot")


def in_stream(kinesis: Any, stream: str, count: int) -> list[dict[str, Any]]:
    """The records of a stream, read anew until there are `count` or the deadline is over."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found) < count and time.monotonic() < deadline:
        found = []
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            at = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
            found += [json.loads(each["Data"]) for each in kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]]
        time.sleep(1)
    return found


def test_records_become_readings_dead_letters_and_alerts_in_both_places(kinesis: Any, brokers: str, running: None) -> None:
    send(kinesis)
    readings = in_stream(kinesis, "readings", 30)
    assert len({(row["device_id"], row["idx"]) for row in readings}) == 30
    assert [row["source"].split("#")[0] for row in in_stream(kinesis, "dead-letters", 1)] == ["telemetry"]
    assert ("OPENED", "hot") in {(row["transition"], row["subject"]) for row in in_stream(kinesis, "alerts", 1)}
    consumer = KafkaConsumer("alerts", bootstrap_servers=brokers, group_id=None, auto_offset_reset="earliest",
                             consumer_timeout_ms=round(DEADLINE_SECONDS * 1000))
    assert json.loads(next(iter(consumer)).value)["subject"] == "hot"
    consumer.close()
