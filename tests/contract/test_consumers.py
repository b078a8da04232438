"""Everything that names a consumer group or its topics agrees with contract/consumers.toml."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from commands.cluster import rewind
from contract import consumers
from contract.consumers import ConsumersError, declared
from contract.topics import TOPICS
from core.settings import Settings
from infra.aws.layers import HERE, load
from jobs import alert, archive, detect, store
from jobs.flink.script import Script
from services.cloudwatch import server as cloudwatch
from services.dashboard.live import offsets
from services.metrics import kafka as metrics_kafka
from services.metrics import results as metrics_results
from services.notify import server as notify

NAMES = tuple(topic.name for topic in TOPICS)
SETTINGS = Settings(consumer_group="plant", topic_prefix="plant-a.", archive="/archive")
GROUP, TOPIC = (re.compile(rf"'{key}' = '([^']*)'") for key in (r"properties\.group\.id", "topic"))
SCRIPTS: dict[str, Callable[[Settings], Script]] = {
    "detect": detect.script, "alert": alert.script, "store": store.script, "archive": archive.script,
}  # fmt: skip
Read = dict[str, set[str]]


def declared_of(program: str) -> Read:
    """Returns the groups of a program in Kafka, with the topics that each reads."""
    return {reader.group_id("plant"): {f"plant-a.{topic}" for topic in reader.read(NAMES)}
            for reader in consumers.of_program(program)}


@pytest.mark.parametrize("job", SCRIPTS)
def test_a_job_s_sql_reads_the_declared_topics_in_the_declared_groups(job: str) -> None:
    read: Read = defaultdict(set)
    for statement in SCRIPTS[job](SETTINGS).declarations:
        for group in GROUP.findall(statement.sql):
            (topics,) = TOPIC.findall(statement.sql)
            read[group] |= set(topics.split(";"))
    assert read == declared_of(job)


class Refusing:
    """Replaces Kafka's consumer: records its arguments, then refuses."""

    asked: tuple[str, set[str]]

    def __init__(self, *topics: str, group_id: str, **_: Any) -> None:
        Refusing.asked = group_id, set(topics)
        raise KafkaError("no broker in this test")


def test_the_services_consume_in_their_declared_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (notify, cloudwatch, metrics_results):
        monkeypatch.setattr(module, "KafkaConsumer", Refusing)
    with pytest.raises(notify.NotifyError):
        notify._consumer(SETTINGS, SETTINGS.topic("alerts"))
    assert {Refusing.asked[0]: {"plant-a.alerts"}} == declared_of("notify")
    with pytest.raises(cloudwatch.MetricsError):
        cloudwatch.consumer(SETTINGS)
    assert dict([Refusing.asked]) == declared_of("cloudwatch")
    results = metrics_results.Results(SETTINGS, CollectorRegistry())
    with pytest.raises(KafkaError):
        metrics_results.Watcher(SETTINGS, results, None, print)._consume()  # type: ignore[arg-type]
    assert dict([Refusing.asked]) == declared_of("metrics")


@dataclass
class Broker:
    """Replaces Kafka's clients: every topic has one partition with ten records, and every group has read four."""

    altered: dict[str, set[str]] = field(default_factory=dict)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 10)

    def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, Any]:
        return dict.fromkeys(times)

    def alter_group_offsets(self, group: str, given: Mapping[TopicPartition, Any]) -> None:
        self.altered[group] = {partition.topic for partition in given}

    def list_group_offsets(self, group: str) -> dict[str, dict[TopicPartition, Any]]:
        (reader,) = (reader for reader in consumers.READERS if reader.group_id("plant") == group)
        read = [TopicPartition(SETTINGS.topic(topic), 0) for topic in reader.read(NAMES)]
        return {group: dict.fromkeys(read, type("Committed", (), {"offset": 4}))}

    def assign(self, partitions: list[TopicPartition]) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    def poll(self, timeout_ms: int) -> dict[TopicPartition, Any]:
        return {TopicPartition(SETTINGS.topic(topic), 0): [type("Record", (), {"timestamp": 0})] for topic in NAMES}

    def close(self) -> None: ...


@pytest.mark.parametrize("job", ["detect", "alert", "store"])
def test_rewind_sets_back_every_declared_group_of_a_job(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    monkeypatch.setattr(rewind, "KafkaConsumer", lambda **_: broker)
    monkeypatch.setattr(rewind, "KafkaAdminClient", lambda **_: broker)
    rewind.rewind(SETTINGS, job, datetime(2025, 10, 9, tzinfo=UTC))
    assert broker.altered == declared_of(job)


def test_the_exporter_knows_the_lag_of_every_declared_group(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    monkeypatch.setattr(metrics_kafka, "KafkaConsumer", lambda **_: broker)
    monkeypatch.setattr(metrics_kafka, "KafkaAdminClient", lambda **_: broker)
    (lag,) = (family for family in metrics_kafka.Topics(SETTINGS).read() if family.name == "fire_consumer_lag_records")
    found = {(each.labels["group"], each.labels["topic"]): each.value for each in lag.samples}
    assert found == {(reader.group, topic): 6 for reader in consumers.READERS for topic in reader.read(NAMES)}
    assert ("store", "dead-letters") in found


def test_the_dashboard_shows_the_lag_of_declared_groups_in_topics_that_they_read(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    monkeypatch.setattr(offsets, "KafkaConsumer", lambda **_: broker)
    monkeypatch.setattr(offsets, "KafkaAdminClient", lambda **_: broker)
    shown = offsets.Offsets(SETTINGS).lag()
    assert {each["group"] for each in shown} == {"plant-detect", "plant-alert", "plant-store"}
    assert {each["lag"] for each in shown} == {6}


def resources(value: Any, job: str) -> list[str]:
    """Returns the resources of a statement in the stack of one job."""
    if isinstance(value, list):
        return [found for each in value for found in resources(each, job)]
    if "Fn::If" in value:
        condition, then, otherwise = value["Fn::If"]
        return resources(then if condition == f"Is{job.capitalize()}" else otherwise, job)
    return [value["Fn::Sub"]] if "Fn::Sub" in value else []


def groups_of(role: Mapping[str, Any], job: str) -> list[str]:
    """Returns the consumer groups that a role may use."""
    statements = [each for policy in role["Properties"]["Policies"] if "PolicyDocument" in policy
                  for each in policy["PolicyDocument"]["Statement"]]
    (group,) = (each for each in statements if each.get("Sid") == "Group")
    return [found.rpartition("/")[2] for found in resources(group["Resource"], job)]


@pytest.mark.parametrize("job", ["detect", "alert", "store"])
def test_the_role_of_a_job_on_aws_may_use_exactly_its_groups(job: str) -> None:
    role = load(HERE / "templates/application.yaml")["Resources"]["Role"]
    assert groups_of(role, job) == [reader.group_id("fire") for reader in consumers.of_program(job)]


@pytest.mark.parametrize(("role", "service"), [("NotifierRole", "notify"), ("MetricsRole", "cloudwatch")])
def test_the_role_of_a_service_on_aws_may_use_exactly_its_group(role: str, service: str) -> None:
    found = load(HERE / "templates/services.yaml")["Resources"][role]
    assert groups_of(found, "") == [reader.group_id("fire") for reader in consumers.of_program(service)]


def test_the_store_may_read_on_aws_what_it_is_declared_to_read() -> None:
    template = load(HERE / "templates/msk.yaml")
    arns = [each["Fn::GetAtt"][0] for each in template["Outputs"]["StoreReadArns"]["Value"]["Fn::Join"][1]]
    topics = {template["Resources"][name]["Properties"]["TopicName"]["Fn::Sub"].partition(".")[2] for name in arns}
    assert all(set(reader.read(NAMES)) == topics for reader in consumers.of_program("store"))


@pytest.mark.parametrize(("toml", "sentence"), [
    ('[store]\nstore = "readings"', r"store\.store must be a list of topics, not 'readings'"),
    ("[store]\nstore = []", r"store\.store must be a list of topics, not \[\]"),
    ('[store]\nstore = ["*"]\n[archive]\nstore = ["readings"]', "declares the group store twice"),
])  # fmt: skip
def test_an_unusable_declaration_is_refused(toml: str, sentence: str) -> None:
    with pytest.raises(ConsumersError, match=sentence):
        declared(toml)


def test_an_undeclared_group_has_no_name() -> None:
    with pytest.raises(ConsumersError, match="no program declares the consumer group 'store-store'"):
        consumers.group_id("store-store", "fire")
