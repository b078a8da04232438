"""Tests the metrics publisher: how readings are aggregated, and how it behaves whatever CloudWatch answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from contract.cloudwatch import METRICS, NAMESPACE
from core import installation
from core.settings import Settings
from infra.aws.cloud import Cloud
from services.cloudwatch import server
from services.cloudwatch.server import MetricsError, Publisher, Relay
from services.cloudwatch.statistics import Summary
from tests.support.brokers import create_topics
from tests.support.clouds import ENVIRONMENT, REGION, aws, cloud  # noqa: F401 -- fixtures
from tests.support.waiting import DEADLINE_SECONDS

EXAMPLE = json.loads((installation.ROOT / "infra/schemas/readings.schema.json").read_text(encoding="utf-8"))["examples"][0]
NOW = datetime(2025, 10, 9, 9, 5, tzinfo=UTC)
PREFIX = "cloudwatch."
FLEET = {"Environment": "local"}


def reading(**changed: Any) -> dict[str, Any]:
    return EXAMPLE | changed


def taken(*readings: dict[str, Any], watch: tuple[str, ...] = ()) -> dict[tuple[Any, ...], dict[str, float]]:
    """Returns the statistics of these readings by metric and dimension values."""
    summary = Summary("local", watch)
    for each in readings:
        summary.add(each)
    return {(datum["MetricName"], *(each["Value"] for each in datum["Dimensions"])): datum["StatisticValues"]
            for datum in summary.take(NOW)[0]}


def test_metrics_are_fields_of_a_reading() -> None:
    assert set(METRICS.values()) <= set(EXAMPLE) and len(METRICS) == 8


def test_devices_are_aggregated_for_the_fleet_and_by_site_and_level() -> None:
    metrics = taken(reading(max_temperature=40.0), reading(device_id="dev-8", max_temperature=60.0),
                    reading(device_id="dev-9", max_temperature=90.0, risk_level="CRITICAL"))
    assert metrics["DeviceTemperature", "local"] == {"SampleCount": 3.0, "Sum": 190.0, "Minimum": 40.0, "Maximum": 90.0}
    assert metrics["DeviceTemperature", "local", "site-1", "HIGH"] == {
        "SampleCount": 2.0, "Sum": 100.0, "Minimum": 40.0, "Maximum": 60.0}
    assert metrics["DeviceTemperature", "local", "site-1", "CRITICAL"]["Maximum"] == 90.0


def test_number_of_metrics_does_not_grow_with_devices() -> None:
    one, many = taken(reading()), taken(*(reading(device_id=f"dev-{number}") for number in range(100)))
    assert set(one) == set(many)


def test_watched_device_has_metrics_of_its_own() -> None:
    metrics = taken(reading(), reading(device_id="dev-8"), watch=("dev-8",))
    assert metrics["DeviceRiskScore", "local", "dev-8"]["SampleCount"] == 1.0
    assert ("DeviceRiskScore", "local", "dev-07") not in metrics


def test_quantity_that_was_not_measured_is_in_no_metric() -> None:
    metrics = taken(reading(co_gas=None), reading(co_gas=30.0))
    assert metrics["DeviceCOGas", "local"] == {"SampleCount": 1.0, "Sum": 30.0, "Minimum": 30.0, "Maximum": 30.0}


def test_minutes_are_those_of_the_readings_and_not_of_their_arrival() -> None:
    summary = Summary("local")
    summary.add(reading(event_time="2025-10-09T09:00:59.999Z"))
    summary.add(reading(event_time="2025-10-09T09:01:00.000Z"))
    assert {datum["Timestamp"] for datum in summary.take(NOW)[0]} == {NOW.replace(minute=0), NOW.replace(minute=1)}


def test_times_that_cloudwatch_refuses_are_counted_and_left_out() -> None:
    summary = Summary("local")
    summary.add(reading(event_time=(NOW - timedelta(days=15)).isoformat()))
    summary.add(reading(event_time=(NOW + timedelta(hours=3)).isoformat()))
    data, refused = summary.take(NOW)
    measured = sum(EXAMPLE[name] is not None for name in METRICS.values())
    assert (data, refused) == ([], 2 * 2 * measured)


@pytest.mark.parametrize(("site", "value"), [("본사", "%EB%B3%B8%EC%82%AC"), (None, "(none)"), (" ", "%20"), ("a b/c", "a b/c")])
def test_site_becomes_a_dimension_that_cloudwatch_accepts(site: str | None, value: str) -> None:
    assert ("DeviceRiskScore", "local", value, "HIGH") in taken(reading(site_id=site))


def statistics(cloud: Cloud, metric: str, dimensions: dict[str, str]) -> list[dict[str, Any]]:  # noqa: F811
    points: list[dict[str, Any]] = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE, MetricName=metric, Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=NOW - timedelta(hours=1), EndTime=NOW + timedelta(hours=1), Period=60,
        Statistics=["SampleCount", "Sum", "Minimum", "Maximum"])["Datapoints"]
    return points


def relay(client: Any, log: list[str], pause: Any = lambda _: False) -> Relay:
    return Relay(Summary("local"), Publisher(client, pause, log.append), lambda: NOW)


def test_published_metrics_are_in_cloudwatch(cloud: Cloud) -> None:  # noqa: F811
    log: list[str] = []
    made = relay(cloud.client("cloudwatch"), log)
    made.take([json.dumps(reading(device_id=f"dev-{number}", site_id=f"site-{number}")).encode() for number in range(100)])
    made.publish()
    points = statistics(cloud, "DeviceTemperature", FLEET)
    # moto sums all metrics whose dimensions include these, so the sites' metrics are counted as well as the fleet's.
    assert [(each["SampleCount"], each["Maximum"]) for each in points] == [(2 * 100.0, 63.2)]
    assert len(statistics(cloud, "DeviceTemperature", FLEET | {"SiteId": "site-99", "RiskLevel": "HIGH"})) == 1
    assert log == [f"published {101 * 6} metrics of 100 readings"]


def test_record_that_is_not_a_reading_is_reported_and_skipped() -> None:
    log: list[str] = []
    made = relay(None, log)
    made.take([b"rubbish", None, b"[]", b'{"event_time": "2025-10-09T09:00:00Z"}', json.dumps(reading(voltage="high")).encode()])
    assert len(log) == 5 and made.summary.readings == 0 and made.summary.take(NOW) == ([], 0)


@pytest.mark.parametrize("changed", [
    {"risk_level": 5}, {"risk_level": ["HIGH"]}, {"risk_level": "LOUD"}, {"site_id": 5}, {"device_id": []},
    {"event_time": "0001-01-01T00:00:00+14:00"}, {"event_time": 5}, {"voltage": [1]}, {"voltage": {}},
])  # fmt: skip
def test_record_of_wrong_types_is_said_and_passed_over(changed: dict[str, Any]) -> None:
    said: list[str] = []
    made = Relay(Summary("local", frozenset({"dev-07"})), Publisher(None, lambda _: False, said.append), lambda: NOW)
    made.take([json.dumps(reading(**changed)).encode(), b"[" * 100_000, b'{"voltage": 1e999}'])
    assert len(said) == 3 and made.summary.take(NOW) == ([], 0)


@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1.7e308, -1.7e308, 5e-324, 10**300])
def test_sums_of_any_numbers_stay_within_what_cloudwatch_takes(value: float) -> None:
    for statistic in taken(*(reading(voltage=value) for _ in range(1000))).values():
        assert all(abs(each) <= 2.0**360 for each in statistic.values())


def test_requests_stay_below_cloudwatchs_limit_and_nothing_is_left_out() -> None:
    client = boto3.client("cloudwatch", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    datum = {"MetricName": "DeviceRiskScore", "Value": 1.0}
    with Stubber(client) as stub:
        for size in (500, 500, 1):
            stub.add_response("put_metric_data", {}, {"Namespace": NAMESPACE, "MetricData": [datum] * size})
        assert Publisher(client, lambda _: False, print).publish([datum] * 1001) == 1001
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("code", "status"), [("Throttling", 400), ("InternalServiceFault", 500), ("Anything", 503)])
def test_throttled_or_failing_cloudwatch_is_retried_after_growing_pauses(code: str, status: int) -> None:
    client = boto3.client("cloudwatch", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    pauses: list[float] = []
    with Stubber(client) as stub:
        for _ in range(6):
            stub.add_client_error("put_metric_data", code, http_status_code=status)
        stub.add_response("put_metric_data", {})
        publisher = Publisher(client, lambda seconds: pauses.append(seconds) is not None, lambda _: None)
        accepted = publisher.publish([{"MetricName": "x"}])
    assert (accepted, pauses) == (1, [2, 4, 8, 16, 30, 30])


def test_unreachable_cloudwatch_is_retried_until_the_program_stops() -> None:
    class Unreachable:
        def put_metric_data(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://monitoring")

    log: list[str] = []
    assert Publisher(Unreachable(), lambda _: True, log.append).publish([{}]) == 0
    assert "trying again" in log[0] and log[1] == "stopping; 1 metrics could not be published"


def test_batch_that_cloudwatch_will_never_accept_is_reported_and_left_out() -> None:
    client = boto3.client("cloudwatch", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    log: list[str] = []
    with Stubber(client) as stub:
        stub.add_client_error("put_metric_data", "InvalidParameterValue", http_status_code=400)
        assert Publisher(client, lambda _: False, log.append).publish([{"MetricName": "x"}]) == 0
    assert "refused 1 metrics, which are left out" in log[0]


def test_missing_permission_is_an_error_that_names_what_to_allow() -> None:
    client = boto3.client("cloudwatch", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("put_metric_data", "AccessDenied", http_status_code=403)
        with pytest.raises(MetricsError, match="allow cloudwatch:PutMetricData for the namespace FirePrediction/Devices"):
            Publisher(client, lambda _: False, print).publish([{"MetricName": "x"}])


def test_watch_list_is_separated_by_commas() -> None:
    assert server.watch_list(Settings(watch_list=" dev-1, dev-2,,")) == {"dev-1", "dev-2"}


@pytest.fixture
def publisher(cloud: Cloud, brokers: str) -> Iterator[subprocess.Popen[str]]:  # noqa: F811
    """Starts the command between a real broker and moto's CloudWatch."""
    create_topics(brokers, PREFIX, "readings")
    environment = ENVIRONMENT | {"PATH": os.environ["PATH"], "FIRE_KAFKA_BROKERS": brokers, "FIRE_TOPIC_PREFIX": PREFIX,
                                 "AWS_ENDPOINT_URL": cloud.endpoint_url or ""}
    process = subprocess.Popen([sys.executable, "-u", "-m", "commands.cli", "cloudwatch"], cwd=installation.ROOT, env=environment,
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    end = threading.Timer(DEADLINE_SECONDS, process.kill)
    end.start()
    yield process
    end.cancel()
    process.kill()
    process.wait(DEADLINE_SECONDS)


def test_command_publishes_all_readings_of_the_topic_before_it_stops(
        publisher: subprocess.Popen[str], cloud: Cloud, brokers: str) -> None:  # noqa: F811
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    assert publisher.stdout is not None
    assert publisher.stdout.readline().startswith(f"publishing the metrics of {PREFIX}readings[0]@0")
    producer = KafkaProducer(bootstrap_servers=brokers)
    at = datetime.now(UTC)
    for number in range(50):
        row = reading(device_id=f"dev-{number}", event_time=at.isoformat())
        producer.send(f"{PREFIX}readings", json.dumps(row).encode(), key=row["device_id"].encode()).get(DEADLINE_SECONDS)
    producer.close()
    offsets = KafkaConsumer(bootstrap_servers=brokers, group_id="fire-cloudwatch")
    partitions = [TopicPartition(f"{PREFIX}readings", number) for number in range(4)]
    assert sum(offsets.end_offsets(partitions).values()) == 50
    publisher.terminate()
    output, _ = publisher.communicate(timeout=DEADLINE_SECONDS)
    assert publisher.returncode == 0
    published = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE, MetricName="DeviceRiskScore", Dimensions=[{"Name": "SiteId", "Value": "site-1"}],
        StartTime=at - timedelta(minutes=2), EndTime=at + timedelta(minutes=5), Period=60,
        Statistics=["SampleCount"])["Datapoints"]
    committed = sum(offsets.committed(each) or 0 for each in partitions)
    offsets.close()
    assert sum(each["SampleCount"] for each in published) == committed, output


def test_namespace_is_the_one_that_the_role_may_write() -> None:
    text = (installation.ROOT / "infra/aws/templates/services.yaml").read_text(encoding="utf-8")
    assert f'"cloudwatch:namespace": {NAMESPACE}' in text
