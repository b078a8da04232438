"""An AWS of moto's on the loopback address, whose CloudFormation also makes what moto's own leaves out.

Each resource type below is made by the service's real API call, which moto's server answers and botocore checks against the
service's model: a property that the service does not know fails as it would there.
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
"""The physical id of a resource, and its attributes."""


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of the server."""
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
    """An empty account."""
    _post(aws, "/moto-api/reset")
    yield Cloud(REGION, aws, 0.01)
    _post(aws, "/moto-api/reset")


def _post(address: str, path: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(address + path, method="POST")).read()


class Makers:
    """Makes resources by API calls; one method a resource type."""

    address = ""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.address)

    def s3_bucket_policy(self, given: Properties) -> Made:
        """Not applied: moto passes over the condition "not over TLS", and would refuse everything."""
        return given["Bucket"], {}

    def sns_topic_policy(self, given: Properties) -> Made:
        for topic in given["Topics"]:
            self.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy",
                                                    AttributeValue=json.dumps(given["PolicyDocument"]))
        return "policy", {}

    def logs_log_stream(self, given: Properties) -> Made:
        self.client("logs").create_log_stream(logGroupName=given["LogGroupName"], logStreamName=given["LogStreamName"])
        return given["LogStreamName"], {}

    def secretsmanager_secret(self, given: Properties) -> Made:
        made = self.client("secretsmanager")
        template = given["GenerateSecretString"]
        password = made.get_random_password(PasswordLength=template["PasswordLength"], ExcludePunctuation=True)["RandomPassword"]
        content = json.loads(template["SecretStringTemplate"]) | {template["GenerateStringKey"]: password}
        arn = made.create_secret(Name=given["Name"], KmsKeyId=given["KmsKeyId"], SecretString=json.dumps(content))["ARN"]
        return arn, {}

    def secretsmanager_secret_target_attachment(self, given: Properties) -> Made:
        return given["SecretId"], {}

    def msk_configuration(self, given: Properties) -> Made:
        arn = f"arn:aws:kafka:{REGION}:{ACCOUNT}:configuration/{given['Name']}/{uuid.uuid4()}-1"
        return arn, {"Arn": arn, "LatestRevision.Revision": "1"}

    def msk_cluster(self, given: Properties) -> Made:
        name, nodes = given["ClusterName"], _provisioned(given)
        arn = self.client("kafka").create_cluster_v2(ClusterName=name, Provisioned=nodes)["ClusterArn"]
        return arn, {"Arn": arn}

    def msk_batch_scram_secret(self, given: Properties) -> Made:
        return given["ClusterArn"], {}

    def msk_topic(self, given: Properties) -> Made:
        arn = given["ClusterArn"].replace(":cluster/", ":topic/") + "/" + given["TopicName"]
        return arn, {"TopicArn": arn}

    def cloudwatch_alarm(self, given: Properties) -> Made:
        numbers = {name: float(given[name]) for name in ("Threshold",) if name in given}
        counts = {name: int(given[name]) for name in ("Period", "EvaluationPeriods") if name in given}
        self.client("cloudwatch").put_metric_alarm(**{**given, **numbers, **counts})
        return given["AlarmName"], {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{given['AlarmName']}"}

    def cloudwatch_composite_alarm(self, given: Properties) -> Made:
        """Checked against the service's model only: moto has no composite alarms."""
        client = self.client("cloudwatch")
        with Stubber(client) as stub:
            stub.add_response("put_composite_alarm", {})
            client.put_composite_alarm(**given)
        return given["AlarmName"], {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{given['AlarmName']}"}

    def kinesisanalyticsv2_application(self, given: Properties) -> Made:
        settings = dict(given["ApplicationConfiguration"])
        flink = settings["FlinkApplicationConfiguration"]
        parallel = flink["ParallelismConfiguration"]
        numbers = {"Parallelism": int(parallel["Parallelism"]), "ParallelismPerKPU": int(parallel["ParallelismPerKPU"])}
        settings["FlinkApplicationConfiguration"] = flink | {"ParallelismConfiguration": parallel | numbers}
        self.client("kinesisanalyticsv2").create_application(**{**given, "ApplicationConfiguration": settings})
        return given["ApplicationName"], {}

    def kinesisanalyticsv2_application_cloud_watch_logging_option(self, given: Properties) -> Made:
        return given["CloudWatchLoggingOption"]["LogStreamARN"], {}

    def iot_topic_rule(self, given: Properties) -> Made:
        self.client("iot").create_topic_rule(ruleName=given["RuleName"], topicRulePayload=_payload(given["TopicRulePayload"]))
        return given["RuleName"], {"Arn": f"arn:aws:iot:{REGION}:{ACCOUNT}:rule/{given['RuleName']}"}

    def iot_topic_rule_destination(self, given: Properties) -> Made:
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


def _provisioned(given: Properties) -> dict[str, Any]:
    """A cluster's properties in the API's spelling, whose names begin in lower case at the wire only."""
    nodes = given["BrokerNodeGroupInfo"]
    storage = {"EbsStorageInfo": {"VolumeSize": int(nodes["StorageInfo"]["EBSStorageInfo"]["VolumeSize"])}}
    encryption = given["EncryptionInfo"]
    return {
        "BrokerNodeGroupInfo": {**nodes, "StorageInfo": storage},
        "KafkaVersion": given["KafkaVersion"],
        "NumberOfBrokerNodes": int(given["NumberOfBrokerNodes"]),
        "ClientAuthentication": given["ClientAuthentication"],
        "EncryptionInfo": {**encryption, "EncryptionAtRest": {
            "DataVolumeKMSKeyId": encryption["EncryptionAtRest"]["DataVolumeKMSKeyId"]}},
        "LoggingInfo": given["LoggingInfo"],
    }


def _payload(given: Properties) -> dict[str, Any]:
    """A rule in the API's spelling: names begin in lower case, but those that are Kafka's own."""
    def lower(value: Any) -> Any:
        if isinstance(value, list):
            return [lower(each) for each in value]
        if isinstance(value, Mapping):
            return {name[0].lower() + name[1:]: each if name == "ClientProperties" else lower(each)
                    for name, each in value.items()}
        return value

    return dict(lower(given))


@contextmanager
def _complete(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Adds the resource types, and lets change sets do what they say."""
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
    """Lists without the elements that AWS::NoValue takes away."""
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
        """What moto holds of it ends with the test."""

    members = {
        "cloudformation_type": staticmethod(lambda: name),
        "cloudformation_name_type": staticmethod(lambda: ""),
        "create_from_cloudformation_json": classmethod(create),
        "update_from_cloudformation_json": classmethod(update),
        "delete_from_cloudformation_json": classmethod(delete),
        "get_cfn_attribute": lambda self, attribute: self.attributes[attribute],
        "is_created": lambda self: True,
    }
    type(name.replace("::", ""), (CloudFormationModel,), members)  # known by its base class from now on


def _execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    """As CloudFormation does it: parameters, conditions and outputs count, and what fails is rolled back and said."""
    change = self.describe_change_set(change_set_name)
    stack, kind = self.stacks[change.stack_id], change.change_set_type
    try:
        if kind == "CREATE":
            stack.template, stack.parameters = change.template, change.parameters
            stack._parse_template()
            stack.resource_map = stack._create_resource_map()
            stack.resource_map.create(stack.template_dict)
            stack.output_map = stack._create_output_map()
        else:
            stack.update(change.template, parameters=change.parameters)
    except Exception as problem:
        stack._add_stack_event(f"{kind}_FAILED", resource_status_reason=str(problem))
        stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        return
    stack.status, change.execution_status = f"{kind}_COMPLETE", "EXECUTE_COMPLETE"
