"""The templates are valid, grant least privilege, and use the same names as the code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from commands.cli import operating
from contract.cloudwatch import METRICS, NAMESPACE
from contract.declared import CONTRACT
from contract.topics import LARGEST_BATCH, TOPICS
from core.installation import ROOT
from core.settings import PROPERTY_GROUP, Settings, variable
from infra.aws import checks, estimate
from infra.aws.errors import DeployError
from infra.aws.layers import HERE, JOBS, LAYERS, Layer, environment_parameters, load
from infra.managed_flink.package import RUN_OPTIONS
from jobs import detect
from services.notify import channels

TEMPLATES = sorted((HERE / "templates").glob("*.yaml"))
ENVIRONMENTS = operating.ENVIRONMENTS
ANY = {
    "ec2:DescribeVpcs": "EC2 has no resources for what describes",
    "ec2:DescribeSubnets": "EC2 has no resources for what describes",
    "ec2:DescribeSecurityGroups": "EC2 has no resources for what describes",
    "ec2:DescribeDhcpOptions": "EC2 has no resources for what describes",
    "ec2:DescribeNetworkInterfaces": "EC2 has no resources for what describes",
    "ec2:DescribeVpcAttribute": "EC2 has no resources for what describes",
    "cloudwatch:GetMetricStatistics": "CloudWatch has no resources for metrics",
    "cloudwatch:PutMetricData": "CloudWatch has no resources for metrics; a condition confines the namespace",
    "ecr:GetAuthorizationToken": "a token is for the whole registry",
}
"""Actions that may be allowed on every resource, with the reason."""


def statements(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yields every policy statement of a template, including those within Fn::If."""
    if isinstance(value, dict):
        if "Effect" in value and "Action" in value:
            yield value
        for each in value.values():
            yield from statements(each)
    elif isinstance(value, list):
        for each in value:
            yield from statements(each)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowing(template: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Returns the statements that allow something, each with the type of its resource."""
    return [(resource["Type"], statement) for resource in load(template)["Resources"].values()
            for statement in statements(resource) if statement["Effect"] == "Allow"]


def text_of(template: Path) -> str:
    return template.read_text(encoding="utf-8")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_templates_and_parameters_pass_the_check_of_the_deployment(environment: str) -> None:
    values = environment_parameters(environment, ["Image=1.dkr.ecr.x.amazonaws.com/fire-prediction:1"])
    layers = [layer for layer in LAYERS if layer.wanted(values)]
    assert [problem for layer in layers for problem in checks.wrong_values(layer, values)] == []


def test_cfn_lint_finds_nothing_in_any_template() -> None:
    checks.check(LAYERS, environment_parameters("prod", ["Image=x"]) | {"StreamMode": "PROVISIONED"})


def test_invalid_value_of_a_parameter_is_reported_in_a_sentence() -> None:
    values = environment_parameters("dev", ["TelemetryIn=rabbitmq"])
    with pytest.raises(DeployError, match="TelemetryIn is 'rabbitmq'; use one of: kinesis, msk"):
        checks.check(JOBS, values)


def test_parameter_that_no_template_has_is_refused() -> None:
    with pytest.raises(DeployError, match="'Nonsense=1' is not NAME=VALUE"):
        environment_parameters("dev", ["Nonsense=1"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_parameter_of_a_file_is_one_of_a_template(environment: str) -> None:
    declared = {name for layer in LAYERS for name in load(layer.file)["Parameters"]}
    assert set(environment_parameters(environment, [])) <= declared


def test_every_parameter_without_default_comes_from_a_file_or_an_earlier_layer() -> None:
    values = environment_parameters("dev", ["Image=x"])
    outputs = set(checks.DISCOVERED)
    for layer in LAYERS:
        layer.parameters(values, dict.fromkeys(outputs, "x"))
        outputs |= set(load(layer.file).get("Outputs", {}))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_policy_of_aws_gives_full_access(template: Path) -> None:
    assert "FullAccess" not in text_of(template)
    assert "ManagedPolicyArns" not in text_of(template)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_no_action_is_a_wildcard_but_the_accounts_own_over_its_key(template: Path) -> None:
    wild = [(kind, statement.get("Sid"), action) for kind, statement in allowing(template)
            for action in listed(statement["Action"]) if "*" in action]
    assert wild == ([("AWS::KMS::Key", "Account", "kms:*")] if template.stem == "storage" else [])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_policy_names_its_resources_if_the_service_allows_it(template: Path) -> None:
    for kind, statement in allowing(template):
        if kind != "AWS::KMS::Key" and "*" in listed(statement.get("Resource")):
            assert set(listed(statement["Action"])) <= set(ANY), statement


def test_exceptions_are_needed() -> None:
    used = {action for each in TEMPLATES for _, statement in allowing(each) if statement.get("Resource") == "*"
            for action in listed(statement["Action"])}
    assert set(ANY) <= used


def test_roles_of_shared_services_are_restricted_to_this_account() -> None:
    for name in ("application", "iot"):
        for resource in load(HERE / f"templates/{name}.yaml")["Resources"].values():
            if resource["Type"] == "AWS::IAM::Role":
                trust = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
                assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def resources(kind: str) -> Iterator[Mapping[str, Any]]:
    for template in TEMPLATES:
        yield from (each for each in load(template)["Resources"].values() if each["Type"] == kind)


def test_buckets_are_encrypted_versioned_private_and_kept() -> None:
    found = list(resources("AWS::S3::Bucket"))
    assert len(found) == 2
    for bucket in found:
        about = bucket["Properties"]
        assert about["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(about["PublicAccessBlockConfiguration"].values()) == {True}
        rule = about["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert about["LifecycleConfiguration"]["Rules"] and bucket["DeletionPolicy"] == "Retain"


def test_database_is_private_encrypted_backed_up_and_grows() -> None:
    database = next(resources("AWS::RDS::DBInstance"))
    about = database["Properties"]
    assert about["StorageEncrypted"] is True and about["PubliclyAccessible"] is False
    assert about["BackupRetentionPeriod"] == 35 and about["MaxAllocatedStorage"] == {"Ref": "DatabaseStorageLimit"}
    assert database["DeletionPolicy"] == "Snapshot"
    assert environment_parameters("prod", [])["MultiAz"] == environment_parameters("prod", [])["IsProtected"] == "true"


def test_every_log_group_has_a_retention_and_is_encrypted() -> None:
    for group in resources("AWS::Logs::LogGroup"):
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogDays"} and "KmsKeyId" in group["Properties"]


def test_topics_and_streams_are_encrypted_with_our_key() -> None:
    assert all(topic["Properties"]["KmsMasterKeyId"] == {"Ref": "KeyArn"} for topic in resources("AWS::SNS::Topic"))
    streams = list(resources("AWS::Kinesis::Stream"))
    assert streams and all(each["Properties"]["StreamEncryption"]["KeyId"] == {"Ref": "KeyArn"} for each in streams)


def test_nothing_is_reachable_from_the_internet() -> None:
    kinds = {each["Type"] for template in TEMPLATES for each in load(template)["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP"}
    for group in resources("AWS::EC2::SecurityGroup"):
        assert all("CidrIp" not in rule for rule in group["Properties"].get("SecurityGroupIngress", []))


def test_kafka_requires_tls_and_a_login() -> None:
    about = next(resources("AWS::MSK::Cluster"))["Properties"]
    assert about["EncryptionInfo"]["EncryptionInTransit"] == {"ClientBroker": "TLS", "InCluster": True}
    assert about["ClientAuthentication"]["Unauthenticated"] == {"Enabled": False}


def test_topics_on_kafka_are_those_of_the_code_with_their_retention_and_largest_batch() -> None:
    made = {each["Properties"]["TopicName"]["Fn::Sub"].removeprefix("fire-${Environment}."):
            each["Properties"]["Configs"]["Fn::Base64"] for each in resources("AWS::MSK::Topic")}
    assert made == {topic.name: f"retention.ms={topic.retention_days * 86_400_000}\nmax.message.bytes={LARGEST_BATCH}"
                    for topic in TOPICS}
    configuration = next(resources("AWS::MSK::Configuration"))["Properties"]["ServerProperties"]
    assert f"message.max.bytes={LARGEST_BATCH}" in configuration.splitlines()


def topics_of(output: str) -> set[str]:
    """Returns the topics that an output of msk.yaml lists."""
    template = load(HERE / "templates/msk.yaml")
    value = template["Outputs"][output]["Value"]
    names = [each["Fn::GetAtt"][0] for each in (value["Fn::Join"][1] if "Fn::Join" in value else [value])]
    return {template["Resources"][name]["Properties"]["TopicName"]["Fn::Sub"].partition(".")[2] for name in names}


def test_jobs_may_read_and_write_the_topics_that_their_code_names() -> None:
    assert topics_of("DetectWriteArns") == {result.replace("_", "-") for result in detect.RESULTS}
    assert topics_of("AlertReadArns") == {"candidates"}
    assert topics_of("AlertWriteArns") == {"alerts", "alert-state", "dead-letters"}
    assert topics_of("StoreReadArns") == {result.topic for results in CONTRACT.stored().values() for result in results}


def application() -> Mapping[str, Any]:
    properties: Mapping[str, Any] = load(HERE / "templates/application.yaml")["Resources"]["Application"]["Properties"]
    return properties


def groups() -> dict[str, Mapping[str, Any]]:
    properties = application()["ApplicationConfiguration"]["EnvironmentProperties"]["PropertyGroups"]
    return {group["PropertyGroupId"]: group["PropertyMap"] for group in properties}


def test_applications_run_the_package_as_it_is_built() -> None:
    assert application()["RuntimeEnvironment"] == "FLINK-2_2"
    assert groups()[str(RUN_OPTIONS["PropertyGroupId"])] == RUN_OPTIONS["PropertyMap"]


def test_properties_of_the_applications_are_settings_and_no_secrets() -> None:
    secret = {each for each, about in Settings.__dataclass_fields__.items() if about.metadata["secret"]}
    assert set(groups()[PROPERTY_GROUP]) <= set(Settings.__dataclass_fields__) - secret


@pytest.mark.parametrize("job", ["detect", "alert", "store"])
@pytest.mark.parametrize("telemetry", ["kinesis", "msk"])
def test_settings_can_be_read_from_an_applications_properties(job: str, telemetry: str, tmp_path: Path) -> None:
    holds = {"ReadsKinesis": job == "detect" and telemetry == "kinesis", "IsStore": job == "store", "HasRegistry": True}

    def plain(value: Any) -> Any:
        if isinstance(value, dict) and "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return plain(then if holds[condition] else otherwise)
        text = value.get("Fn::Sub", value.get("Ref")) if isinstance(value, dict) else value
        parts = {"Job": job, "${AWS::Partition}": "aws", "${AWS::Region}": "ap-northeast-2", "${AWS::AccountId}": "123456789012",
                 "${Environment}": "dev", "DatabasePort": "5432"}
        for name, part in parts.items():
            text = part if text == name else text.replace(name, part) if name.startswith("$") else text
        return None if text == "AWS::NoValue" else text

    properties = {name: plain(value) for name, value in groups()[PROPERTY_GROUP].items() if plain(value) is not None}
    file = tmp_path / "application_properties.json"
    file.write_text(json.dumps([{"PropertyGroupId": PROPERTY_GROUP, "PropertyMap": properties}]))
    settings = Settings.load({}, file)
    assert (settings.job, settings.topic("readings"), settings.results_in, settings.alerts_in) == (
        job, "fire-dev.readings", "kafka", "kafka")
    assert settings.source == ("kinesis" if holds["ReadsKinesis"] else "kafka")
    assert bool(settings.postgres_secret_arn) == (job == "store")


def test_containers_run_commands_and_settings_that_exist() -> None:
    entry = (ROOT / "infra/flink/entrypoint").read_text(encoding="utf-8")
    declared = {variable(name) for name in Settings.__dataclass_fields__}
    for task in resources("AWS::ECS::TaskDefinition"):
        container = task["Properties"]["ContainerDefinitions"][0]
        words = container["Command"][0].split("entrypoint ")[-1].split()
        if not re.search(rf"^  {words[0]}\)", entry, re.M):
            assert cli.parse(words).command == words[0]
        names = {each["Name"] for each in container["Environment"] + container.get("Secrets", [])}
        assert {name for name in names if name.startswith("FIRE_")} <= declared


def test_channels_of_the_notifier_can_be_loaded(tmp_path: Path) -> None:
    task = load(HERE / "templates/services.yaml")["Resources"]["NotifierTask"]
    environment = task["Properties"]["ContainerDefinitions"][0]["Environment"]
    text = next(each["Value"]["Fn::Sub"] for each in environment if each["Name"] == "CHANNELS")
    for topic in ("Critical", "High"):
        text = text.replace(f"${{{topic}TopicArn}}", f"arn:aws:sns:ap-northeast-2:123456789012:fire-dev-{topic.lower()}")
    (tmp_path / "channels.toml").write_text(text)
    assert [channel.name for channel in channels.load(tmp_path / "channels.toml")] == ["people"]


def dashboard() -> str:
    return str(load(HERE / "templates/monitoring.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0])


def test_dashboard_is_json_with_metrics_that_are_published() -> None:
    body = json.loads(re.sub(r"\$\{StreamMetrics\}", "[]", dashboard()))
    assert len(body["widgets"]) == 8
    named = {metric for widget in body["widgets"] for line in widget["properties"].get("metrics", [])
             for metric in line if isinstance(metric, str) and metric.startswith("Device")}
    assert named <= set(METRICS) and NAMESPACE in dashboard()


def test_alarms_are_the_six_and_one_of_them_all() -> None:
    made = load(HERE / "templates/monitoring.yaml")["Resources"]
    alarms = {name: each["Properties"] for name, each in made.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == {"HighRiskDeviceCount", "HighTemperatureDevices", "ModelAccuracyDrop", "JobRestarts",
                           "StreamThrottling", "DatabaseThrottling"}
    assert all(alarm["AlarmActions"] for alarm in alarms.values())
    rule = made["FirePredictionSystemHealth"]["Properties"]["AlarmRule"]["Fn::Sub"]
    assert set(re.findall(r'ALARM\("\$\{(\w+)\}"\)', rule)) <= set(alarms)
    assert all(alarm["MetricName"] in METRICS for alarm in alarms.values() if alarm.get("Namespace") == NAMESPACE)


def test_restarts_are_counted_by_a_metric_that_flink_2_still_has() -> None:
    for template in TEMPLATES:
        assert not re.search(r"MetricName: (fullRestarts|downtime|uptime)", text_of(template))
    assert "MetricName: numRestarts" in text_of(HERE / "templates/monitoring.yaml")


def test_alarms_about_devices_notify_when_data_is_missing() -> None:
    for alarm in resources("AWS::CloudWatch::Alarm"):
        about = alarm["Properties"]
        if about.get("Namespace") == NAMESPACE:
            assert about["TreatMissingData"] == "missing" and about["InsufficientDataActions"] == [{"Ref": "SystemTopicArn"}]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_estimate_covers_every_type_of_resource(layer: Layer) -> None:
    kinds = {each["Type"] for each in load(layer.file)["Resources"].values()}
    assert kinds <= set(estimate.BILLED) | estimate.FREE
