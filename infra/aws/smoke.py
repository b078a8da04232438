"""The smoke test: sends messages of test devices the way devices do, and waits for their readings and an alert.

The test devices are always the same, so that what they leave behind (an open alert, their silence) does not accumulate.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg

from contract.cloudwatch import NAMESPACE
from infra.aws.cloud import Cloud
from infra.aws.errors import DeployError

SITE = "smoke-test"
CALM, HOT = "smoke-test-1", "smoke-test-2"
SECONDS = 300.0
ROWS = Path(__file__).with_name("smoke_rows.sql")
MEASURED = {"status": 0, "volt": 221.0, "voltLow": 219.0, "ct": 5.0, "zct": 0.5, "rzct": 0.3, "pwr": 1.05, "pcbTemp": 35.0,
            "sensorTemp": 34.0, "co": 1.0, "voc": 50.0, "pFct": 0.95, "aArc": 0}
BURNING = {"status": 192, "pcbTemp": 82.0, "sensorTemp": 85.0}
"""Both temperature alarms and more than 65 °C, which a single reading scores as CRITICAL."""
Send = Callable[[str, bytes], Any]


@dataclass(frozen=True)
class Seen:
    """The test devices whose readings and alerts have been seen; `alerts` is None if alerts cannot be seen from here."""

    readings: frozenset[str]
    alerts: frozenset[str] | None

    def missing(self) -> list[str]:
        """Returns a phrase for each result that has not been seen yet."""
        awaited = [f"the reading of {device}" for device in sorted({CALM, HOT} - self.readings)]
        return awaited + ([f"the alert of {HOT}"] if self.alerts is not None and HOT not in self.alerts else [])


class Look(Protocol):
    """Looks for results of the test devices."""

    def __call__(self, since: datetime) -> Seen:
        """Returns the results since a time."""
        ...


def messages(at: datetime) -> dict[str, bytes]:
    """Returns a message of each test device; `idx` grows from one test to the next."""
    common = {"siteId": SITE, "idx": round(at.timestamp()), "timestamp": at.isoformat(timespec="milliseconds"), **MEASURED}
    return {CALM: _message(CALM, common), HOT: _message(HOT, common | BURNING)}


def prove(send: Send, look: Look, at: datetime, pace: float, report: Callable[[str], None],
          seconds: float = SECONDS) -> None:
    """Sends the messages and waits for their results.

    Raises:
        DeployError: a result is missing after `seconds`.
    """
    for device, message in messages(at).items():
        send(device, message)
    due = time.monotonic() + seconds
    since = at.replace(microsecond=0)
    while missing := (seen := look(since)).missing():
        if time.monotonic() > due:
            raise DeployError(f"the smoke test failed: {', '.join(missing)} did not arrive within {seconds:.0f} s; see the logs "
                              "of the Flink applications")
        time.sleep(pace)
    alerts = "and the alert arrived" if seen.alerts is not None else "arrived (alerts not checked: the database is not reachable)"
    report(f"smoke test: the readings of {CALM} and {HOT} {alerts}")


def through_iot(cloud: Cloud) -> Send:
    """Returns a function that publishes to a device's own topic, to test the IoT rule as well; needs iot:Publish."""
    endpoint = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    address = cloud.endpoint_url or f"https://{endpoint}"
    client = Cloud(cloud.region, address, cloud.pace).client("iot-data")
    return lambda device, message: client.publish(topic=f"fire-prediction/device/{device}/data", qos=1, payload=message)


def through_kinesis(cloud: Cloud, stream: str) -> Send:
    """Returns a function that puts messages into the telemetry stream as the IoT rule does."""
    client = cloud.client("kinesis")
    return lambda device, message: client.put_record(StreamName=stream, PartitionKey=device, Data=message)


@dataclass(frozen=True)
class InPostgres:
    """Looks for results in the database; `conninfo` are keyword arguments of `psycopg.connect`."""

    conninfo: Mapping[str, Any]

    def reachable(self) -> bool:
        """Returns whether the database can be reached, which needs a tunnel, a VPN or a machine inside the VPC."""
        try:
            psycopg.connect(**self.conninfo).close()
        except psycopg.OperationalError:
            return False
        return True

    def __call__(self, since: datetime) -> Seen:
        """Returns the test devices with readings and with alerts since a time."""
        with psycopg.connect(**self.conninfo) as connection:
            row = connection.execute(ROWS.read_bytes(), {"devices": [CALM, HOT], "since": since}).fetchone()
        assert row is not None, "a SELECT of two arrays returns one row"
        return Seen(frozenset(row[0]), frozenset(row[1]))


@dataclass(frozen=True)
class InMetrics:
    """Looks for results in the metrics of the test site, which show scored readings even if the database is out of reach.

    The level of the calm device is NORMAL and that of the hot one CRITICAL, so each has a metric of its own.
    """

    cloud: Cloud
    environment: str

    def __call__(self, since: datetime) -> Seen:
        """Returns the test devices with readings since a time."""
        devices = {device for device, level in ((CALM, "NORMAL"), (HOT, "CRITICAL")) if self._counted(level, since)}
        return Seen(frozenset(devices), None)

    def _counted(self, level: str, since: datetime) -> bool:
        names = {"Environment": self.environment, "SiteId": SITE, "RiskLevel": level}
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE, MetricName="DeviceRiskScore", Period=60, Statistics=["SampleCount"],
            Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
            StartTime=since.replace(second=0), EndTime=datetime.now(UTC) + timedelta(minutes=1))
        return bool(points["Datapoints"])


def best_look(databases: Iterable[InPostgres], cloud: Cloud, environment: str) -> Look:
    """Returns a look into the first database that can be reached, or else at the metrics."""
    return next((each for each in databases if each.reachable()), None) or InMetrics(cloud, environment)


def _message(device: str, values: Mapping[str, Any]) -> bytes:
    return json.dumps({"deviceId": device, **values}).encode()
