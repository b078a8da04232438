"""A simulated AWS: moto on the loopback address, extended by resource types that its CloudFormation lacks.

Each added resource type is created through the service's real API, which moto's server answers; botocore checks the call
against the service's model, so that an unknown property fails as it would on AWS.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend
from moto.core.common_models import CloudFormationModel
from moto.rds.models import DBParameterGroup
from moto.server import ThreadedMotoServer

from infra.aws.cloud import Cloud

REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
               "AWS_EC2_METADATA_DISABLED": "true"}
Properties = Mapping[str, Any]
Made = tuple[str, dict[str, str]]
"""The physical id of a resource and its attributes."""


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Starts the server and returns its address."""
    with pytest.MonkeyPatch.context() as patch, _complete(patch):
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        MAKERS.address = f"http://{host}:{port}"
        yield MAKERS.address
        server.stop()


@pytest.fixture
def cloud(aws: str) -> Iterator[Cloud]:
    """Returns a client of an empty account."""
    _post(aws, "/moto-api/reset")
    yield Cloud(REGION, aws, 0.01)
    _post(aws, "/moto-api/reset")


def _post(address: str, path: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(address + path, method="POST")).read()


class Makers:
    """Creates resources through API calls, one method per resource type."""

    address = ""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.address)

    def s3_bucket_policy(self, fields: Properties) -> Made:
        """Applies no policy, because moto ignores the condition on TLS and would refuse every call."""
        return fields["Bucket"], {}

    def sns_topic_policy(self, fields: Properties) -> Made:
        for topic in fields["Topics"]:
            self.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy",
                                                    AttributeValue=json.dumps(fields["PolicyDocument"]))
        return "policy", {}

    def logs_log_stream(self, fields: Properties) -> Made:
        self.client("logs").create_log_stream(logGroupName=fields["LogGroupName"], logStreamName=fields["LogStreamName"])
        return fields["LogStreamName"], {}

    def secretsmanager_secret(self, fields: Properties) -> Made:
        made = self.client("secretsmanager")
        template = fields["GenerateSecretString"]
        password = made.get_random_password(PasswordLength=template["PasswordLength"], ExcludePunctuation=True)["RandomPassword"]
        content = json.loads(template["SecretStringTemplate"]) | {template["GenerateStringKey"]: password}
        arn = made.create_secret(Name=fields["Name"], KmsKeyId=fields["KmsKeyId"], SecretString=json.dumps(content))["ARN"]
        return arn, {}

    def secretsmanager_secret_target_attachment(self, fields: Properties) -> Made:
        return fields["SecretId"], {}

    def msk_configuration(self, fields: Properties) -> Made:
        arn = f"arn:aws:kafka:{REGION}:{ACCOUNT}:configuration/{fields['Name']}/{uuid.uuid4()}-1"
        return arn, {"Arn": arn, "LatestRevision.Revision": "1"}

    def msk_cluster(self, fields: Properties) -> Made:
        name, nodes = fields["ClusterName"], _provisioned(fields)
        arn = self.client("kafka").create_cluster_v2(ClusterName=name, Provisioned=nodes)["ClusterArn"]
        return arn, {"Arn": arn}

    def msk_batch_scram_secret(self, fields: Properties) -> Made:
        return fields["ClusterArn"], {}

    def msk_topic(self, fields: Properties) -> Made:
        arn = fields["ClusterArn"].replace(":cluster/", ":topic/") + "/" + fields["TopicName"]
        return arn, {"TopicArn": arn}

    def cloudwatch_alarm(self, fields: Properties) -> Made:
        numbers = {name: float(fields[name]) for name in ("Threshold",) if name in fields}
        counts = {name: int(fields[name]) for name in ("Period", "EvaluationPeriods") if name in fields}
        self.client("cloudwatch").put_metric_alarm(**{**fields, **numbers, **counts})
        return fields["AlarmName"], {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{fields['AlarmName']}"}

    def cloudwatch_composite_alarm(self, fields: Properties) -> Made:
        """Only checks the call against the service's model, because moto has no composite alarms."""
        client = self.client("cloudwatch")
        with Stubber(client) as stub:
            stub.add_response("put_composite_alarm", {})
            client.put_composite_alarm(**fields)
        return fields["AlarmName"], {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{fields['AlarmName']}"}

    def kinesisanalyticsv2_application(self, fields: Properties) -> Made:
        settings = dict(fields["ApplicationConfiguration"])
        flink = settings["FlinkApplicationConfiguration"]
        parallel = flink["ParallelismConfiguration"]
        numbers = {"Parallelism": int(parallel["Parallelism"]), "ParallelismPerKPU": int(parallel["ParallelismPerKPU"])}
        settings["FlinkApplicationConfiguration"] = flink | {"ParallelismConfiguration": parallel | numbers}
        self.client("kinesisanalyticsv2").create_application(**{**fields, "ApplicationConfiguration": settings})
        return fields["ApplicationName"], {}

    def kinesisanalyticsv2_application_cloud_watch_logging_option(self, fields: Properties) -> Made:
        return fields["CloudWatchLoggingOption"]["LogStreamARN"], {}

    def iot_topic_rule(self, fields: Properties) -> Made:
        self.client("iot").create_topic_rule(ruleName=fields["RuleName"], topicRulePayload=_payload(fields["TopicRulePayload"]))
        return fields["RuleName"], {"Arn": f"arn:aws:iot:{REGION}:{ACCOUNT}:rule/{fields['RuleName']}"}

    def iot_topic_rule_destination(self, fields: Properties) -> Made:
        arn = f"arn:aws:iot:{REGION}:{ACCOUNT}:ruledestination/vpc/{uuid.uuid4()}"
        return arn, {"Arn": arn}


MAKERS = Makers()
TYPES: dict[str, Callable[[Properties], Made]] = {
    "AWS::S3::BucketPolicy": MAKERS.s3_bucket_policy,
    "AWS::SNS::TopicPolicy": MAKERS.sns_topic_policy,
    "AWS::Logs::LogStream": MAKERS.logs_log_stream,
    "AWS::SecretsManager::Secret": MAKERS.secretsmanager_secret,
    "AWS::SecretsManager::SecretTargetAttachment": MAKERS.secretsmanager_secret_target_attachment,
    "AWS::MSK::Configuration": MAKERS.msk_configuration,
    "AWS::MSK::Cluster": MAKERS.msk_cluster,
    "AWS::MSK::BatchScramSecret": MAKERS.msk_batch_scram_secret,
    "AWS::MSK::Topic": MAKERS.msk_topic,
    "AWS::CloudWatch::Alarm": MAKERS.cloudwatch_alarm,
    "AWS::CloudWatch::CompositeAlarm": MAKERS.cloudwatch_composite_alarm,
    "AWS::KinesisAnalyticsV2::Application": MAKERS.kinesisanalyticsv2_application,
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption":
        MAKERS.kinesisanalyticsv2_application_cloud_watch_logging_option,
    "AWS::IoT::TopicRule": MAKERS.iot_topic_rule,
    "AWS::IoT::TopicRuleDestination": MAKERS.iot_topic_rule_destination,
}


def _provisioned(fields: Properties) -> dict[str, Any]:
    """Returns the properties of a cluster with the API's spelling and types."""
    nodes = fields["BrokerNodeGroupInfo"]
    storage = {"EbsStorageInfo": {"VolumeSize": int(nodes["StorageInfo"]["EBSStorageInfo"]["VolumeSize"])}}
    encryption = fields["EncryptionInfo"]
    return {
        "BrokerNodeGroupInfo": {**nodes, "StorageInfo": storage},
        "KafkaVersion": fields["KafkaVersion"],
        "NumberOfBrokerNodes": int(fields["NumberOfBrokerNodes"]),
        "ClientAuthentication": fields["ClientAuthentication"],
        "EncryptionInfo": {**encryption, "EncryptionAtRest": {
            "DataVolumeKMSKeyId": encryption["EncryptionAtRest"]["DataVolumeKMSKeyId"]}},
        "LoggingInfo": fields["LoggingInfo"],
    }


def _payload(fields: Properties) -> dict[str, Any]:
    """Returns the properties of a rule with the API's spelling: lower-case initials, except in Kafka's client properties."""
    def lower(value: Any) -> Any:
        if isinstance(value, list):
            return [lower(each) for each in value]
        if isinstance(value, Mapping):
            return {name[0].lower() + name[1:]: each if name == "ClientProperties" else lower(each)
                    for name, each in value.items()}
        return value

    return dict(lower(fields))


@contextmanager
def _complete(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Adds the missing resource types to moto, and makes it execute change sets as CloudFormation does."""
    for name, make in TYPES.items():
        _register(name, make)
    caches = (parsing.get_model_map, parsing.get_name_type_map)
    for cache in caches:
        cache.cache_clear()
    patch.setattr(CloudFormationBackend, "execute_change_set", _execute_change_set)
    patch.setattr(DBParameterGroup, "physical_resource_id", property(lambda group: group.name), raising=False)
    patch.setattr(parsing, "clean_json", _without_no_value(parsing.clean_json))
    yield


def _without_no_value(clean: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Wraps moto's clean-up so that it drops the list elements that AWS::NoValue removes."""
    def cleaned(value: Any, resources: Any) -> Any:
        done = clean(value, resources)
        return [each for each in done if each is not None] if isinstance(value, list) else done

    return cleaned


def _register(name: str, make: Callable[[Properties], Made]) -> None:
    def create(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any) -> Any:
        made = cls()
        made.physical_resource_id, made.attributes = make(cloudformation_json["Properties"])
        return made

    def update(cls: Any, original_resource: Any, *_: Any, **__: Any) -> Any:
        return original_resource

    def delete(cls: Any, *_: Any, **__: Any) -> None:
        """Deletes nothing, because each test starts with an empty account."""

    members = {
        "cloudformation_type": staticmethod(lambda: name),
        "cloudformation_name_type": staticmethod(lambda: ""),
        "create_from_cloudformation_json": classmethod(create),
        "update_from_cloudformation_json": classmethod(update),
        "delete_from_cloudformation_json": classmethod(delete),
        "get_cfn_attribute": lambda self, attribute: self.attributes[attribute],
        "is_created": lambda self: True,
    }
    type(name.replace("::", ""), (CloudFormationModel,), members)  # moto finds it through its base class


def _execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    """Executes a change set as CloudFormation does: with parameters, conditions and outputs, and a rollback after a failure."""
    change = self.describe_change_set(change_set_name)
    stack, change_type = self.stacks[change.stack_id], change.change_set_type
    try:
        if change_type == "CREATE":
            stack.template, stack.parameters = change.template, change.parameters
            stack._parse_template()
            stack.resource_map = stack._create_resource_map()
            stack.resource_map.create(stack.template_dict)
            stack.output_map = stack._create_output_map()
        else:
            stack.update(change.template, parameters=change.parameters)
    except Exception as problem:
        stack._add_stack_event(f"{change_type}_FAILED", resource_status_reason=str(problem))
        stack.status = "ROLLBACK_COMPLETE" if change_type == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        return
    stack.status, change.execution_status = f"{change_type}_COMPLETE", "EXECUTE_COMPLETE"
