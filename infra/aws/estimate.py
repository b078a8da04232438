"""Estimates the monthly costs of an environment by list prices, from the resources of its templates and a fleet's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contract.cloudwatch import METRICS
from infra.aws.layers import Layer, load

PRICES = Path(__file__).with_name("prices.yaml")
HOURS = 730.0
MESSAGE_BYTES, ROW_BYTES = 450, 600
"""A device's message; a row in Postgres with its index."""
READINGS_DAYS, ARCHIVE_BYTES = 30, 60
SITE_DEVICES, LEVELS = 50, 2
"""Devices per site, and levels that occur at a site at a time; together they give the number of metrics."""
LOG_GB = 5.0


@dataclass(frozen=True)
class Fleet:
    """The number of devices, and the seconds between two messages of each."""

    devices: int
    seconds: float

    @property
    def messages(self) -> float:
        """The messages per month, in millions."""
        return self.devices / self.seconds * 3600 * HOURS / 1e6


@dataclass(frozen=True)
class Item:
    """One line of the estimate, in US dollars per month."""

    layer: str
    what: str
    dollars: float


def prices() -> dict[str, Any]:
    """Returns the price table, with its date and region."""
    table: dict[str, Any] = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    return table


def estimate(layers: Iterable[Layer], values: Mapping[str, str], fleet: Fleet) -> list[Item]:
    """Returns the lines of the estimate; types of resources that cost nothing by themselves have none."""
    return [item for layer in layers for item in _layer(layer, values, fleet)]


def _layer(layer: Layer, values: Mapping[str, str], fleet: Fleet) -> Iterator[Item]:
    template = load(layer.file)
    defaults = {name: str(about["Default"]) for name, about in template["Parameters"].items() if "Default" in about}
    bill = Bill(prices(), {**defaults, **values, **layer.fixed}, fleet)
    types = [resource["Type"] for resource in template["Resources"].values()]
    for each in dict.fromkeys(types):
        for what, dollars in BILLED.get(each, _nothing)(bill, types.count(each)):
            yield Item(layer.name, what, dollars)


Lines = Iterator[tuple[str, float]]


@dataclass(frozen=True)
class Bill:
    """Calculates the costs of a template's resources; `values` are the parameters of the template."""

    table: Mapping[str, Any]
    values: Mapping[str, str]
    fleet: Fleet

    def hours(self, name: str) -> float:
        """Returns the price per month of an item that is billed by the hour."""
        return float(self.table["hour"][name]) * HOURS

    def per(self, unit: str, name: str) -> float:
        """Returns the price of an item per `unit`: a month, a million or a gigabyte."""
        return float(self.table[unit][name])

    def number(self, name: str) -> float:
        """Returns a numeric parameter of the template."""
        return float(self.values[name])

    def gigabytes(self, size: int) -> float:
        """Returns the GB of a month's messages of `size` bytes each."""
        return self.fleet.messages * 1e6 * size / 1e9


def _nothing(_: Bill, __: int) -> Lines:
    return iter(())


def _kinesis(bill: Bill, _: int) -> Lines:
    if bill.values["StreamMode"] == "ON_DEMAND":
        gigabytes = bill.gigabytes(MESSAGE_BYTES)
        yield "stream on demand", bill.hours("kinesis_on_demand_stream")
        yield f"{gigabytes:.0f} GB in and out of it", gigabytes * (
            bill.per("gb", "kinesis_on_demand_in") + bill.per("gb", "kinesis_on_demand_out"))
    else:
        shards = max(bill.number("ShardCount"), bill.fleet.devices / bill.fleet.seconds / 1000 / 0.7)
        yield f"{shards:.0f} shards", shards * bill.hours("kinesis_shard")
        yield "messages put into it", bill.fleet.messages * bill.per("million", "kinesis_put_units")


def _msk(bill: Bill, _: int) -> Lines:
    brokers, disk = bill.number("ZoneCount"), bill.number("BrokerStorage")
    yield f"{brokers:.0f} brokers {bill.values['BrokerClass']}", brokers * bill.hours(bill.values["BrokerClass"])
    yield f"{disk:.0f} GB of each", brokers * disk * bill.per("month", "msk_storage_gb")


def _database(bill: Bill, _: int) -> Lines:
    copies = 2 if bill.values["MultiAz"] == "true" else 1
    held = max(bill.number("DatabaseStorage"), bill.gigabytes(ROW_BYTES) * READINGS_DAYS / 30.4)
    yield f"Postgres {bill.values['DatabaseClass']} times {copies}", copies * bill.hours(bill.values["DatabaseClass"])
    yield f"{held:.0f} GB of each", copies * held * bill.per("month", "rds_gp3_gb")
    yield "backups beyond its size", held * 0.5 * bill.per("month", "rds_backup_gb")


def _application(bill: Bill, _: int) -> Lines:
    units = bill.number("Parallelism") + 1
    yield f"{units:.0f} KPUs, one of them for the job itself", units * bill.hours("flink_kpu")
    yield f"{50 * (units - 1):.0f} GB of running storage", 50 * (units - 1) * bill.per("month", "flink_storage_gb")


def _rule(bill: Bill, _: int) -> Lines:
    minutes = bill.fleet.devices * HOURS * 60 / 1e6
    yield "devices' connections", minutes * bill.per("million", "iot_connection_minutes")
    yield f"{bill.fleet.messages:.0f} million messages", bill.fleet.messages * bill.per("million", "iot_messages")
    yield "the rule and its action", bill.fleet.messages * (bill.per("million", "iot_rules") + bill.per("million", "iot_actions"))


def _tasks(bill: Bill, count: int) -> Lines:
    each = 0.25 * bill.hours("fargate_vcpu") + 0.5 * bill.hours("fargate_gb")
    yield f"{count} containers", count * each
    series = len(METRICS) * (1 + LEVELS * -(-bill.fleet.devices // SITE_DEVICES))
    yield f"{series} metrics of the fleet and {SITE_DEVICES} devices a site", series * bill.per("month", "metric")


def _endpoints(bill: Bill, count: int) -> Lines:
    billed = (count - 1) * bill.number("ZoneCount")
    yield f"{billed:.0f} interfaces of endpoints (S3's is free)", billed * bill.hours("vpc_endpoint")


def _buckets(bill: Bill, _: int) -> Lines:
    months = bill.number("ArchiveDays") / 30.4
    held = bill.gigabytes(ARCHIVE_BYTES) * months
    yield f"{held:.0f} GB of archive when {months:.0f} months are full", held * bill.per("month", "s3_gb")


def _each(what: str, name: str) -> Callable[[Bill, int], Lines]:
    def lines(bill: Bill, count: int) -> Lines:
        yield f"{count} {what}", count * bill.per("month", name)

    return lines


def _logs(bill: Bill, count: int) -> Lines:
    yield f"{LOG_GB:.0f} GB of log each", count * LOG_GB * bill.per("gb", "logs_in")


BILLED: dict[str, Callable[[Bill, int], Lines]] = {
    "AWS::Kinesis::Stream": _kinesis,
    "AWS::MSK::Cluster": _msk,
    "AWS::RDS::DBInstance": _database,
    "AWS::KinesisAnalyticsV2::Application": _application,
    "AWS::IoT::TopicRule": _rule,
    "AWS::ECS::Service": _tasks,
    "AWS::EC2::VPCEndpoint": _endpoints,
    "AWS::S3::Bucket": _buckets,
    "AWS::KMS::Key": _each("key", "kms_key"),
    "AWS::SecretsManager::Secret": _each("secret", "secret"),
    "AWS::CloudWatch::Alarm": _each("alarms", "alarm"),
    "AWS::CloudWatch::CompositeAlarm": _each("composite alarm", "composite_alarm"),
    "AWS::CloudWatch::Dashboard": _each("dashboard", "dashboard"),
    "AWS::Logs::LogGroup": _logs,
}
FREE = {
    "AWS::EC2::RouteTable", "AWS::EC2::SecurityGroup", "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC", "AWS::ECS::Cluster", "AWS::ECS::TaskDefinition",
    "AWS::Events::Rule", "AWS::IAM::Role", "AWS::IoT::Policy", "AWS::IoT::TopicRuleDestination", "AWS::KMS::Alias",
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption", "AWS::Lambda::Function", "AWS::Lambda::Permission",
    "AWS::Logs::LogStream", "AWS::MSK::BatchScramSecret", "AWS::MSK::Configuration", "AWS::MSK::Topic",
    "AWS::RDS::DBParameterGroup", "AWS::RDS::DBSubnetGroup", "AWS::S3::BucketPolicy", "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy", "AWS::SecretsManager::SecretTargetAttachment",
}
"""Types of resources that cost nothing, or cents."""
