"""The real jobs turn devices' records in Kinesis into alerts in Kinesis and Kafka; Kinesis is moto's, on the loopback address."""

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

from core import installation
from core.settings import Settings
from tests.support.brokers import create_topics
from tests.support.waiting import DEADLINE_SECONDS, until

HOME = installation.home_folder(Settings.load())
ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/"
PREFIX = "kinesis."
"""The prefix of the streams and of the topics."""
STREAMS = ("telemetry", "candidates", "alerts", "alert-state", "dead-letters", "readings", "device-minutes",
           "device-5min-aggregates", "temperature-rises", "early-heat", "temperature-anomalies", "co-exposure", "risk-spikes",
           "arc-patterns", "device-correlations", "site-risk", "device-patterns")
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
"""Runs a job without end on its own mini-cluster, whose Java reads credentials from its environment as in production."""


@pytest.fixture(scope="module")
def kinesis() -> Iterator[Any]:
    """Runs Kinesis with a stream of two shards for each topic."""
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
        client.create_stream(StreamName=PREFIX + stream, ShardCount=2)
    yield client
    server.stop()


@pytest.fixture(scope="module")
def running(kinesis: Any, brokers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs the detect job, and the alert job twice: with alerts to Kinesis and with alerts to Kafka."""
    folder = tmp_path_factory.mktemp("jobs")
    create_topics(brokers, PREFIX)
    environment = os.environ | {
        "PYTHONPATH": str(installation.ROOT), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true", "CBOR_ENABLED": "false", "FIRE_SOURCE": "kinesis", "FIRE_KINESIS_STREAMS": ARN,
        "FIRE_KINESIS_ENDPOINT": kinesis.meta.endpoint_url, "FIRE_KINESIS_DISCOVERY_SECONDS": "5", "FIRE_PARALLELISM": "2",
        "FIRE_KAFKA_BROKERS": brokers, "FIRE_TOPIC_PREFIX": PREFIX, "FIRE_HOME": str(HOME)}
    environment.pop("PYFLINK_GATEWAY_DISABLED", None)
    started = []
    for number, (job, more) in enumerate((("detect", {}), ("alert", {}), ("alert", {"FIRE_ALERTS": "kafka"}))):
        with (folder / f"{number}.log").open("wb") as log:
            started.append(subprocess.Popen([sys.executable, "-c", JOB, job], env=environment | more, stdout=log, stderr=log))
    yield
    for process in started:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def send(kinesis: Any) -> None:
    for number in range(10):
        for device in ("hot", "calm", "cool"):
            body = {"deviceId": device, "idx": number, "timestamp": time.time_ns() // 1_000_000, "status": 0,
                    "pcbTemp": 90.0 if device == "hot" else 30.0}
            kinesis.put_record(StreamName=f"{PREFIX}telemetry", Data=json.dumps(body).encode(), PartitionKey=device)
    kinesis.put_record(StreamName=f"{PREFIX}telemetry", Data=b"rubbish", PartitionKey="hot")


def in_stream(kinesis: Any, name: str) -> list[dict[str, Any]]:
    """Returns the records of a stream."""
    found: list[dict[str, Any]] = []
    for shard in kinesis.list_shards(StreamName=PREFIX + name)["Shards"]:
        at = kinesis.get_shard_iterator(StreamName=PREFIX + name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        found += [json.loads(each["Data"]) for each in kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]]
    return found


def test_records_become_readings_dead_letters_and_alerts_in_both_places(kinesis: Any, brokers: str, running: None) -> None:
    send(kinesis)
    until(lambda: len({(row["device_id"], row["idx"]) for row in in_stream(kinesis, "readings")}) == 30, "30 readings", pause=1.0)
    letter = until(lambda: in_stream(kinesis, "dead-letters"), "a dead letter", pause=1.0)[0]
    assert letter["source"].split("#")[0] == f"{PREFIX}telemetry"
    until(lambda: ("OPENED", "hot") in {(row["transition"], row["subject"]) for row in in_stream(kinesis, "alerts")},
          "an alert of the hot device", pause=1.0)
    consumer = KafkaConsumer(f"{PREFIX}alerts", bootstrap_servers=brokers, group_id=None, auto_offset_reset="earliest",
                             consumer_timeout_ms=round(DEADLINE_SECONDS * 1000))
    assert json.loads(next(iter(consumer)).value)["subject"] == "hot"
    consumer.close()
