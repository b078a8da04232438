"""The smoke test: messages of test devices go in where devices' do, and their rows and an alert must come out.

The devices are the same each time, so that what they leave open (an alert that no one clears, their silence) stays little.
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
"""Both temperature alarms and more than 65 °C: CRITICAL by itself, before any window."""
Send = Callable[[str, bytes], Any]


@dataclass(frozen=True)
class Seen:
    """Test devices whose readings, and whose alerts, have come out; alerts None: they cannot be seen from here."""

    readings: frozenset[str]
    alerts: frozenset[str] | None

    def missing(self) -> list[str]:
        """One phrase for each thing that has not come out."""
        awaited = [f"the reading of {device}" for device in sorted({CALM, HOT} - self.readings)]
        return awaited + ([f"the alert of {HOT}"] if self.alerts is not None and HOT not in self.alerts else [])


class Look(Protocol):
    """Sees what came out since a time."""

    def __call__(self, since: datetime) -> Seen: ...


def messages(at: datetime) -> dict[str, bytes]:
    """A message of each test device; `idx` grows from test to test."""
    common = {"siteId": SITE, "idx": round(at.timestamp()), "timestamp": at.isoformat(timespec="milliseconds"), **MEASURED}
    return {CALM: _message(CALM, common), HOT: _message(HOT, common | BURNING)}


def prove(send: Send, look: Look, at: datetime, pace: float, report: Callable[[str], None],
          seconds: float = SECONDS) -> None:
    """Sends the messages and looks for what becomes of them.

    Raises:
        DeployError: something has not come out in time.
    """
    for device, message in messages(at).items():
        send(device, message)
    due = time.monotonic() + seconds
    since = at.replace(microsecond=0)
    while missing := (seen := look(since)).missing():
        if time.monotonic() > due:
            raise DeployError(f"the smoke test failed: {', '.join(missing)} did not come out within {seconds:.0f} s")
        time.sleep(pace)
    told = "and its alert" if seen.alerts is not None else "(alerts cannot be seen from here: the database is not reachable)"
    report(f"smoke test: the readings of {CALM} and {HOT} came out {told}")


def through_iot(cloud: Cloud) -> Send:
    """Publishes as the device's own topic, so that the rule is tested too; needs iot:Publish."""
    found = cloud.client("iot").describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    address = cloud.endpoint_url or f"https://{found}"
    client = Cloud(cloud.region, address, cloud.pace).client("iot-data")
    return lambda device, message: client.publish(topic=f"fire-prediction/device/{device}/data", qos=1, payload=message)


def through_kinesis(cloud: Cloud, stream: str) -> Send:
    """Puts messages into the telemetry stream as the IoT rule does."""
    client = cloud.client("kinesis")
    return lambda device, message: client.put_record(StreamName=stream, PartitionKey=device, Data=message)


@dataclass(frozen=True)
class InPostgres:
    """Looks into the results database; `conninfo` are psycopg's keywords."""

    conninfo: Mapping[str, Any]

    def reachable(self) -> bool:
        """Whether the database can be reached from here: it can only over a tunnel, a VPN, or inside the VPC."""
        try:
            psycopg.connect(**self.conninfo).close()
        except psycopg.OperationalError:
            return False
        return True

    def __call__(self, since: datetime) -> Seen:
        with psycopg.connect(**self.conninfo) as connection:
            row = connection.execute(ROWS.read_bytes(), {"devices": [CALM, HOT], "since": since}).fetchone()
        assert row is not None, "a SELECT of two arrays has its one row"
        return Seen(frozenset(row[0]), frozenset(row[1]))


@dataclass(frozen=True)
class InMetrics:
    """Looks at the metrics of the test site, which show scored readings to whoever cannot reach the database.

    The calm device's level is NORMAL and the hot one's CRITICAL, so each has a metric of its own.
    """

    cloud: Cloud
    environment: str

    def __call__(self, since: datetime) -> Seen:
        found = {device for device, level in ((CALM, "NORMAL"), (HOT, "CRITICAL")) if self._counted(level, since)}
        return Seen(frozenset(found), None)

    def _counted(self, level: str, since: datetime) -> bool:
        names = {"Environment": self.environment, "SiteId": SITE, "RiskLevel": level}
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE, MetricName="DeviceRiskScore", Period=60, Statistics=["SampleCount"],
            Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
            StartTime=since.replace(second=0), EndTime=datetime.now(UTC) + timedelta(minutes=1))
        return bool(points["Datapoints"])


def best_look(places: Iterable[InPostgres], cloud: Cloud, environment: str) -> Look:
    """The database, where it can be reached, else the metrics."""
    return next((place for place in places if place.reachable()), None) or InMetrics(cloud, environment)


def _message(device: str, values: Mapping[str, Any]) -> bytes:
    return json.dumps({"deviceId": device, **values}).encode()
