"""Costs by service and day from Cost Explorer, and their estimate from templates and list prices."""

from __future__ import annotations

import json
import urllib.request
from datetime import date

import boto3
import pytest
from botocore.stub import Stubber

from commands import cli
from infra.aws import costs, estimate
from infra.aws.cloud import Cloud
from infra.aws.errors import DeployError
from infra.aws.estimate import Fleet
from infra.aws.layers import LAYERS, environment_parameters
from tests.support.clouds import aws, cloud  # noqa: F401 -- fixtures

DAY = {"TimePeriod": {"Start": "2026-01-01", "End": "2026-01-02"}, "Total": {}, "Estimated": False, "Groups": [
    {"Keys": ["Amazon Kinesis"], "Metrics": {"UnblendedCost": {"Amount": "1.50", "Unit": "USD"}}},
    {"Keys": ["Amazon MSK"], "Metrics": {"UnblendedCost": {"Amount": "2.25", "Unit": "USD"}}}]}


def test_costs_are_listed_by_day_and_service_the_highest_first(
        cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    answer = json.dumps({"results": [{"ResultsByTime": [DAY]}]}).encode()
    request = urllib.request.Request(f"{cloud.endpoint_url}/moto-api/static/ce/cost-and-usage-results", answer,
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url or "")
    assert cli.main(["costs", "dev"]) == 0
    output = capsys.readouterr().out.splitlines()
    assert [line.split() for line in output[1:]] == [
        ["2026-01-01", "3.75"], ["2.25", "Amazon", "MSK"], ["1.50", "Amazon", "Kinesis"]]


def test_every_page_of_the_answer_is_read_for_this_environment_only() -> None:
    client = boto3.client("ce", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    request = {"TimePeriod": {"Start": "2026-01-01", "End": "2026-01-03"}, "Granularity": "DAILY", "Metrics": ["UnblendedCost"],
               "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
               "Filter": {"Tags": {"Key": "fire:environment", "Values": ["prod"]}}}
    other = DAY | {"TimePeriod": {"Start": "2026-01-02", "End": "2026-01-03"}}
    with Stubber(client) as stub:
        stub.add_response("get_cost_and_usage", {"ResultsByTime": [DAY], "NextPageToken": "2"}, dict(request))
        stub.add_response("get_cost_and_usage", {"ResultsByTime": [other]}, request | {"NextPageToken": "2"})
        days = costs.by_day(client, "prod", date(2026, 1, 1), date(2026, 1, 3))
    assert {day: sum(services.values()) for day, services in days.items()} == {"2026-01-01": 3.75, "2026-01-02": 3.75}


def test_refusal_of_cost_explorer_is_reported_with_the_alternative() -> None:
    client = boto3.client("ce", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("get_cost_and_usage", "AccessDeniedException")
        with pytest.raises(DeployError, match=r"allow ce:GetCostAndUsage, or use \./fire costs ENV --estimate"):
            costs.by_day(client, "prod", date(2026, 1, 1), date(2026, 1, 3))


def total(environment: str, devices: int, *changes: str, seconds: float = 10.0) -> float:
    values = environment_parameters(environment, ["Image=x", *changes])
    layers = [layer for layer in LAYERS if layer.wanted(values)]
    return sum(item.dollars for item in estimate.estimate(layers, values, Fleet(devices, seconds)))


def test_estimate_names_its_date_and_region_and_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["costs", "dev", "--estimate", "--devices", "2000"]) == 0
    first, *items, last = capsys.readouterr().out.splitlines()
    table = estimate.prices()
    assert f"list prices of {table['region']} as of {table['as_of']}" in first
    assert float(last.split()[0]) == pytest.approx(sum(float(item.split()[0]) for item in items), abs=0.02 * len(items))
    assert f"{float(last.split()[0]) / 2:.2f}"[:-1] in last


def test_estimate_follows_the_parameters_of_the_templates() -> None:
    hours, table = 730, estimate.prices()
    assert total("dev", 1000, "ShardCount=10") - total("dev", 1000) == pytest.approx(8 * hours * table["hour"]["kinesis_shard"])
    assert total("dev", 1000, "MultiAz=true") > total("dev", 1000)
    assert total("dev", 1000, "ZoneCount=3") > total("dev", 1000)


def test_estimate_grows_with_devices_and_with_how_often_they_report() -> None:
    assert total("prod", 10_000) > total("prod", 1000)
    assert total("prod", 1000, seconds=1) > total("prod", 1000)


def test_metrics_of_every_device_would_cost_more_than_the_system() -> None:
    devices, price = 100_000, estimate.prices()["month"]["metric"]
    assert 7 * devices * price > total("prod", devices)
