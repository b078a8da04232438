"""The deployment to an AWS emulated by moto: change sets, uploads, passed outputs, roll-back, smoke test."""

from __future__ import annotations

import ast
import itertools
import json
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.stub import Stubber
from moto.iam.access_control import IAMPolicy, PermissionResult

from infra.aws import deploy, running, smoke, upload
from infra.aws.cloud import Cloud
from infra.aws.deploy import Deployment
from infra.aws.errors import DeployError
from infra.aws.layers import LAYERS, Layer, environment_parameters, load
from infra.aws.stacks import Stacks
from tests.support.clouds import ACCOUNT, REGION, aws, cloud  # noqa: F401 -- fixtures
from udfs.readings import decode

IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/fire-prediction:1"
BROKERS = {"KafkaBrokers": "b-1.kafka:9098,b-2.kafka:9098", "KafkaScramBrokers": "b-1.kafka:9096"}
SMALL = tuple(layer for layer in LAYERS if layer.name in ("storage", "topics"))
NUMBERS = itertools.count()


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    """A zip with the files that the applications name."""
    return write_zip(tmp_path / "package.zip", "1")


def write_zip(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in upload.NEEDED:
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time, so that the same content is the same file
    return path


class Reported(list[str]):
    """The lines that a deployment reported."""

    def __str__(self) -> str:
        return "\n".join(self)


def deployment(cloud: Cloud, zipped: Path, reported: Reported, environment: str = "dev", *changes: str,  # noqa: F811
               confirm: Callable[[str], bool] = lambda _: True) -> Deployment:
    stacks = Stacks(cloud, environment, lambda: f"change-{next(NUMBERS)}")
    values = environment_parameters(environment, list(changes))
    return Deployment(stacks, values, zipped, confirm, reported.append, lambda *_: BROKERS)


def statuses(cloud: Cloud) -> dict[str, str]:  # noqa: F811
    found = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackStatus"] for stack in found if stack["StackStatus"] != "DELETE_COMPLETE"}


@pytest.mark.parametrize("environment", ["dev", "staging"])
def test_whole_environment_is_deployed_and_its_parts_are_connected(
        cloud: Cloud, zipped: Path, environment: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    migrated: list[Any] = []
    monkeypatch.setattr(running, "migrate", lambda *arguments: migrated.append(arguments[1:]))
    reported = Reported()
    made = deployment(cloud, zipped, reported, environment, f"Image={IMAGE}")
    layers = [layer for layer in LAYERS if layer.wanted(made.values)]
    made.deploy(layers)

    assert statuses(cloud) == {layer.stack(environment): "CREATE_COMPLETE" for layer in layers}
    assert ("kinesis" in [layer.name for layer in layers]) == (environment == "dev")
    assert migrated[0][0] == made.outputs["ClusterOfServices"]
    check_application(cloud, environment, made)
    check_rule(cloud, environment)
    check_alarms(cloud, environment)
    check_roles(cloud, environment)
    assert cloud.client("s3").head_object(Bucket=made.outputs["PackagesBucketName"], Key=made.outputs["PackageKey"])
    again = deployment(cloud, zipped, Reported(), environment, f"Image={IMAGE}")
    again.deploy(layers)
    assert again.done == [] and "nothing to change" in str(again.report.__self__)  # type: ignore[attr-defined]


def check_application(cloud: Cloud, environment: str, made: Deployment) -> None:  # noqa: F811
    for job in ("detect", "alert", "store"):
        about = cloud.client("kinesisanalyticsv2").describe_application(ApplicationName=f"fire-{environment}-{job}")
        settings = about["ApplicationDetail"]["ApplicationConfigurationDescription"]
        code = settings["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]
        assert code["S3ApplicationCodeLocationDescription"]["FileKey"] == made.outputs["PackageKey"]
        groups = {group["PropertyGroupId"]: group["PropertyMap"]
                  for group in settings["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]}
        assert groups["fire"]["kafka_brokers"] == BROKERS["KafkaBrokers"] and groups["fire"]["job"] == job


def check_rule(cloud: Cloud, environment: str) -> None:  # noqa: F811
    rule = cloud.client("iot").get_topic_rule(ruleName=f"fire_{environment}_telemetry")["rule"]
    action = rule["actions"][0]
    assert "WHERE" not in rule["sql"]
    if environment == "dev":
        assert action["kinesis"]["streamName"] == "fire-dev.telemetry" and action["kinesis"]["partitionKey"] == "${topic(3)}"
    else:
        assert action["kafka"]["topic"] == "fire-staging.telemetry"
        assert action["kafka"]["clientProperties"]["sasl.mechanism"] == "SCRAM-SHA-512"


def check_alarms(cloud: Cloud, environment: str) -> None:  # noqa: F811
    alarms = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 6
    topics = {topic["TopicArn"] for topic in cloud.client("sns").list_topics()["Topics"]}
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} <= topics
    body = json.loads(cloud.client("cloudwatch").get_dashboard(DashboardName=f"fire-{environment}")["DashboardBody"])
    assert len(body["widgets"]) == 8


def check_roles(cloud: Cloud, environment: str) -> None:  # noqa: F811
    may = {job: Role(cloud, f"fire-{environment}-{job}-{REGION}") for job in ("detect", "alert", "store", "iot")}
    kafka = f"arn:aws:kafka:{REGION}:{ACCOUNT}"
    topics = next(iter(may["alert"].resources("kafka-cluster:ReadData"))).rpartition("/")[0]
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/fire-{environment}.telemetry"
    name = f"{topics}/fire-{environment}."
    assert may["detect"].to("kafka-cluster:WriteData", f"{name}candidates")
    assert not may["detect"].to("kafka-cluster:WriteData", f"{name}alerts")
    assert may["alert"].to("kafka-cluster:ReadData", f"{name}candidates")
    assert may["alert"].to("kafka-cluster:WriteData", f"{name}alerts")
    assert not may["alert"].to("kafka-cluster:ReadData", f"{name}telemetry")
    assert may["store"].to("kafka-cluster:ReadData", f"{name}readings")
    assert not may["store"].to("kafka-cluster:WriteData", f"{name}readings")
    assert may["store"].to("kafka-cluster:AlterGroup", f"{kafka}:group/fire-{environment}/x/fire-store")
    assert not may["store"].to("kafka-cluster:AlterGroup", f"{kafka}:group/fire-{environment}/x/fire-detect")
    secrets = [each["ARN"] for each in cloud.client("secretsmanager").list_secrets()["SecretList"]]
    database_secret = next(each for each in secrets if "-database" in each)
    assert may["store"].to("secretsmanager:GetSecretValue", database_secret)
    assert not may["detect"].to("secretsmanager:GetSecretValue", database_secret)
    assert may["iot"].to("kinesis:PutRecord", stream) == (environment == "dev")
    assert not may["iot"].to("kinesis:GetRecords", stream)
    assert may["detect"].to("kinesis:GetRecords", stream) == (environment == "dev")
    assert not may["detect"].to("kinesis:PutRecord", stream)


class Role:
    """The policies of a role, evaluated by moto."""

    def __init__(self, cloud: Cloud, name: str) -> None:  # noqa: F811
        client = cloud.client("iam")
        names = client.list_role_policies(RoleName=name)["PolicyNames"]
        found = [client.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in names]
        # Of policies that a template made, moto keeps Python's way of writing a dict.
        self.documents = [ast.literal_eval(each) if isinstance(each, str) else each for each in found]

    def to(self, action: str, resource: str) -> bool:
        """Returns whether the role may perform the action on the resource."""
        return any(IAMPolicy({"policy_document": json.dumps(each)}).is_action_permitted(action, resource)
                   == PermissionResult.PERMITTED for each in self.documents)

    def resources(self, action: str) -> list[str]:
        """Returns the resources on which the role may perform the action."""
        return [resource for document in self.documents for statement in document["Statement"]
                if action in statement["Action"] for resource in statement["Resource"]]


def test_declined_change_is_not_made(cloud: Cloud, zipped: Path) -> None:  # noqa: F811
    asked = Reported()
    made = deployment(cloud, zipped, Reported(), confirm=lambda question: asked.append(question) or False)  # type: ignore[func-returns-value]
    with pytest.raises(DeployError, match="the change of fire-dev-storage was declined"):
        deploy.carry_out(made, SMALL, lambda: None)
    assert asked == ["Make these changes to fire-dev-storage?"]
    assert cloud.client("s3").list_buckets()["Buckets"] == []


def test_failing_smoke_test_restores_changed_stacks_and_removes_new_ones_without_data(
        cloud: Cloud, zipped: Path) -> None:  # noqa: F811
    deployment(cloud, zipped, Reported(), "dev", "ArchiveDays=90").deploy(SMALL[:1])
    reported = Reported()
    made = deployment(cloud, zipped, reported, "dev", "ArchiveDays=30")

    def fails() -> None:
        raise DeployError("the smoke test failed: the reading of smoke-test-1 did not arrive")

    with pytest.raises(DeployError, match="dev was not deployed and was rolled back: the smoke test failed"):
        deploy.carry_out(made, SMALL, fails)
    assert list(statuses(cloud)) == ["fire-dev-storage"]
    parameters = cloud.client("cloudformation").describe_stacks(StackName="fire-dev-storage")["Stacks"][0]["Parameters"]
    assert {each["ParameterKey"]: each["ParameterValue"] for each in parameters}["ArchiveDays"] == "90"
    assert "rolling fire-dev-storage back" in reported and "removing fire-dev-topics, which is new" in reported


def test_new_stacks_with_data_and_their_dependencies_stay(cloud: Cloud, zipped: Path) -> None:  # noqa: F811
    reported = Reported()
    made = deployment(cloud, zipped, reported)
    made.deploy(SMALL)
    made.roll_back()
    assert statuses(cloud) == {"fire-dev-storage": "CREATE_COMPLETE"}
    assert any("fire-dev-storage is new and stays" in line for line in reported)


def test_failed_layer_is_reported_with_its_resource_and_reason(cloud: Cloud, zipped: Path) -> None:  # noqa: F811
    made = deployment(cloud, zipped, Reported(), "dev", "VpcCidr=10.60.0.0/33")
    network = next(layer for layer in LAYERS if layer.name == "network")
    with pytest.raises(DeployError, match=r"fire-dev-network could not be deployed and was rolled back: .*10\.60\.0\.0/33"):
        deploy.carry_out(made, (*SMALL, network), lambda: None)
    mended = deployment(cloud, zipped, Reported())
    mended.deploy((*SMALL, network))
    assert statuses(cloud)["fire-dev-network"] == "CREATE_COMPLETE"


def test_package_is_named_by_its_content_so_that_the_old_one_stays(cloud: Cloud, tmp_path: Path) -> None:  # noqa: F811
    cloud.client("s3").create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
    keys = {upload.upload_package(cloud, "packages", write_zip(tmp_path / f"{number}.zip", number)) for number in "112"}
    assert len(keys) == cloud.client("s3").list_objects_v2(Bucket="packages")["KeyCount"] == 2


@pytest.mark.parametrize(("content", "message"), [
    (b"no zip", "is not a zip file"), (None, "lacks lib/pyflink-dependencies.jar, main.py")])
def test_file_that_is_not_a_package_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.py", "")
    else:
        path.write_bytes(content)
    with pytest.raises(DeployError, match=message):
        upload.accepted(str(path))


def test_ready_application_is_started_from_its_latest_snapshot_and_awaited() -> None:
    cloud = Cloud(REGION, None, 0.0)  # noqa: F811
    client = cloud.client("kinesisanalyticsv2")
    common = {"ApplicationARN": f"arn:aws:kinesisanalytics:{REGION}:{ACCOUNT}:application/a", "ApplicationName": "a",
              "RuntimeEnvironment": "FLINK-2_2", "ApplicationVersionId": 1}
    snapshot = {"SnapshotName": "s", "SnapshotStatus": "READY", "ApplicationVersionId": 1}
    with Stubber(client) as stub:
        stub.add_response("describe_application", {"ApplicationDetail": common | {"ApplicationStatus": "READY"}})
        stub.add_response("list_application_snapshots", {"SnapshotSummaries": [snapshot]})
        stub.add_response("start_application", {}, {"ApplicationName": "a", "RunConfiguration": {
            "ApplicationRestoreConfiguration": {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}}})
        for status in ("STARTING", "RUNNING"):
            stub.add_response("describe_application", {"ApplicationDetail": common | {"ApplicationStatus": status}})
        assert running.start_application(cloud, "a")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("code", [0, 1])
def test_migrations_run_in_the_vpc_and_their_failure_ends_the_deployment(code: int) -> None:
    cloud = Cloud(REGION, None, code / 1000)  # noqa: F811
    client = cloud.client("ecs")
    task = {"taskArn": "task", "lastStatus": "STOPPED", "containers": [{"exitCode": code}]}
    with Stubber(client) as stub:
        stub.add_response("run_task", {"tasks": [{"taskArn": "task"}]}, {
            "cluster": "fire-dev", "taskDefinition": "database", "launchType": "FARGATE",
            "overrides": {"containerOverrides": [{"name": "database", "command": ["migrate"]}]},
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-1"],
                                                             "assignPublicIp": "DISABLED"}}})
        for _ in range(2):
            stub.add_response("describe_tasks", {"tasks": [task]}, {"cluster": "fire-dev", "tasks": ["task"]})
        if code:
            with pytest.raises(DeployError, match="the migrations failed"):
                running.migrate(cloud, "fire-dev", "database", "subnet-a,subnet-b", "sg-1")
        else:
            running.migrate(cloud, "fire-dev", "database", "subnet-a,subnet-b", "sg-1")


def stand_in_for_the_jobs(cloud: Cloud, conninfo: dict[str, Any], stop: threading.Event) -> None:  # noqa: F811
    """Stores telemetry from the stream through the real decoder into the real tables, for the smoke test to find."""
    client = cloud.client("kinesis")
    shards = [shard["ShardId"] for shard in client.list_shards(StreamName="telemetry")["Shards"]]
    iterators = {shard: client.get_shard_iterator(StreamName="telemetry", ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"] for shard in shards}
    with psycopg.connect(**conninfo, autocommit=True) as connection:
        while not stop.wait(0.02):
            for shard in shards:
                answer = client.get_records(ShardIterator=iterators[shard])
                iterators[shard] = answer["NextShardIterator"]
                for record in answer["Records"]:
                    keep(connection, decode.read([record["Data"]]).columns)


def keep(connection: psycopg.Connection[Any], columns: dict[str, Any]) -> None:
    row = {name: columns[name][0] for name in ("device_id", "risk_score", "risk_level", "alert_type")}
    row |= {"idx": int(columns["idx"][0]), "at": datetime.fromtimestamp(columns["event_ms"][0] / 1000, UTC)}
    row["risk_score"] = float(row["risk_score"])
    connection.execute(INSERT_READING, row)
    if row["risk_level"] == "CRITICAL":
        connection.execute(INSERT_ALERT, row)


INSERT_READING = """INSERT INTO readings (device_id, event_time, idx, schema_version, risk_score, risk_level)
                    VALUES (%(device_id)s, %(at)s, %(idx)s, 1, %(risk_score)s, %(risk_level)s)"""
INSERT_ALERT = """INSERT INTO alerts (alert_id, schema_version, state, subject, alert_type, level, event_time, opened_at)
                  VALUES ('a', 1, 'OPEN', %(device_id)s, %(alert_type)s, %(risk_level)s, %(at)s, %(at)s)"""


def test_smoke_test_sends_messages_and_finds_their_rows_and_alert(cloud: Cloud, database: dict[str, Any]) -> None:  # noqa: F811
    cloud.client("kinesis").create_stream(StreamName="telemetry", ShardCount=2)
    stop, reported = threading.Event(), Reported()
    jobs = threading.Thread(target=stand_in_for_the_jobs, args=(cloud, database, stop))
    jobs.start()
    try:
        look = smoke.best_look([smoke.InPostgres(database)], cloud, "dev")
        smoke.prove(smoke.through_kinesis(cloud, "telemetry"), look, datetime.now(UTC), 0.05, reported.append, seconds=600)
    finally:
        stop.set()
        jobs.join()
    assert reported == ["smoke test: the readings of smoke-test-1 and smoke-test-2 and the alert arrived"]


def test_smoke_test_names_what_did_not_arrive(database: dict[str, Any]) -> None:
    message = "the reading of smoke-test-1, the reading of smoke-test-2, the alert of smoke-test-2 did not arrive within 0 s"
    with pytest.raises(DeployError, match=message):
        smoke.prove(lambda *_: None, smoke.InPostgres(database), datetime.now(UTC), 0.0, print, seconds=0)


def test_smoke_test_without_the_database_looks_at_the_metrics_and_says_so(cloud: Cloud) -> None:  # noqa: F811
    nowhere = smoke.InPostgres({"host": "127.0.0.1", "port": 1, "dbname": "fire", "connect_timeout": 1})
    look = smoke.best_look([nowhere], cloud, "dev")
    at = datetime.now(UTC)
    assert look(at) == smoke.Seen(frozenset(), None)
    reported = Reported()

    def send(device: str, message: bytes) -> None:
        from contract.cloudwatch import NAMESPACE
        from services.cloudwatch.statistics import Summary

        columns = decode.read([message]).columns
        summary = Summary("dev")
        summary.add(dict.fromkeys(READING) | {"event_time": at.isoformat(), "site_id": smoke.SITE, "device_id": device,
                    "risk_score": float(columns["risk_score"][0]), "risk_level": columns["risk_level"][0]})
        cloud.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=summary.take(at)[0])

    smoke.prove(send, look, at, 0.05, reported.append, seconds=600)
    assert "alerts not checked" in reported[0]


READING = ("max_temperature", "current", "voltage", "arc_count", "co_gas", "voc", "total_alarm_count")


def test_smoke_test_through_iot_publishes_on_the_devices_own_topic(cloud: Cloud) -> None:  # noqa: F811
    from moto.iotdata.models import iotdata_backends

    smoke.through_iot(cloud)("smoke-test-1", b"{}")
    assert iotdata_backends[ACCOUNT][REGION].published_payloads == [("fire-prediction/device/smoke-test-1/data", b"{}")]


def test_shards_follow_the_load(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    cloud.client("kinesis").create_stream(StreamName="telemetry", ShardCount=2)
    for name, value in {"STREAM": "telemetry", "LEAST": "2", "MOST": "8", "AWS_ENDPOINT_URL": cloud.endpoint_url or ""}.items():
        monkeypatch.setenv(name, value)
    code: dict[str, Any] = {}
    exec(scaling()["Properties"]["Code"]["ZipFile"], code)
    loads = ((2, 0.8, 0.8), (8, 0.8, 0.8), (8, 0.1, 0.1), (2, 0, 0), (4, 0.5, 0.5), (4, 0.1, 0.6), (5, 0, 0))
    assert [code["target"](*load) for load in loads] == [4, 8, 4, 2, 4, 4, 3]
    monkeypatch.setitem(code, "load", lambda now, minutes: 1.9)
    assert code["scale"]({}, None) == 4
    summary = cloud.client("kinesis").describe_stream_summary(StreamName="telemetry")["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 4


def test_load_is_that_of_the_busiest_minute_in_shards(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for name, value in {"STREAM": "telemetry", "LEAST": "2", "MOST": "8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url or "")
    code: dict[str, Any] = {}
    sent, now = {60: 90_000.0, 120: 30_000.0}, datetime.now(UTC)
    for seconds, records in sent.items():
        cloud.client("cloudwatch").put_metric_data(Namespace="Telemetry", MetricData=[{
            "MetricName": "IncomingRecords", "Value": records, "Timestamp": now - timedelta(seconds=seconds),
            "Dimensions": [{"Name": "StreamName", "Value": "telemetry"}]}])
    source = scaling()["Properties"]["Code"]["ZipFile"].replace("AWS/Kinesis", "Telemetry")  # AWS's own namespace is read-only
    exec(source, code)
    assert code["load"](now, 10) == 1.5


def scaling() -> dict[str, Any]:
    layer: Layer = next(layer for layer in LAYERS if layer.name == "scaling")
    function: dict[str, Any] = load(layer.file)["Resources"]["Function"]
    return function
