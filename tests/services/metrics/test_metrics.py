"""Tests the parts of the exporter: what they count, and how they report an unreachable part; end-to-end tests cover the whole."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families

from core.installation import ROOT
from core.settings import Settings
from infra.local import flink_config, ports
from services.metrics import server as metrics
from services.metrics.collector import Source, Sources, UnavailableError, gauge
from services.metrics.flink import Jobs
from services.metrics.kafka import Topics
from services.metrics.postgres import Database
from services.metrics.results import REMEMBERED, Results, Seen, reason_of
from services.notify.hours import QuietHours
from services.notify.outbox import Outbox, connector
from tests.conftest import VECTORS, rows
from tests.services.notify.test_notify import MemoryTarget, channel
from tests.support.databases import Server
from tests.support.free_ports import free_ports
from tests.support.receivers import NOON, alert
from tests.support.waiting import DEADLINE_SECONDS, until

NOTHING = "127.0.0.1:1"
"""An address at which nothing listens."""


def value(families: list[Metric], name: str, **labels: str) -> float | None:
    values = [sample.value for family in families for sample in family.samples
              if sample.name == name and labels.items() <= sample.labels.items()]
    return values[0] if values else None


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def results(registry: CollectorRegistry) -> Results:
    return Results(Settings(), registry)


def transition(**changed: Any) -> bytes:
    return json.dumps({"alert_id": "a", "transition": "OPENED", "level": "HIGH", "alert_type": "ARC_DETECTED",
                       "event_time": "2025-10-09T09:00:00.000Z"} | changed).encode()


OPENED_AT = 1_760_000_400.0


def test_latency_is_the_brokers_timestamp_minus_the_event_time(results: Results, registry: CollectorRegistry) -> None:
    results.take("alerts", transition(), OPENED_AT + 1.5)
    assert registry.get_sample_value("fire_alert_latency_seconds_sum", {"alert_type": "ARC_DETECTED"}) == 1.5


def test_a_repeated_transition_counts_once_and_a_reminder_has_no_latency(results: Results, registry: CollectorRegistry) -> None:
    for _ in range(2):
        results.take("alerts", transition(), OPENED_AT)
    results.take("alerts", transition(transition="REMINDED", event_time="2025-10-09T09:15:00.000Z"), OPENED_AT + 900)
    labels = {"alert_type": "ARC_DETECTED", "level": "HIGH"}
    assert registry.get_sample_value("fire_alerts_total", labels | {"transition": "OPENED"}) == 1
    assert registry.get_sample_value("fire_alerts_total", labels | {"transition": "REMINDED"}) == 1
    assert registry.get_sample_value("fire_alert_latency_seconds_count", {"alert_type": "ARC_DETECTED"}) == 1


@pytest.mark.parametrize("rubbish", [b"rubbish", b"[]", b"{}", b"null", b"7"])
@pytest.mark.parametrize("topic", ["alerts", "readings", "dead-letters"])
def test_rubbish_on_a_result_topic_is_counted_and_stops_nothing(results: Results, registry: CollectorRegistry, topic: str,
                                                                rubbish: bytes) -> None:
    results.take(topic, rubbish, OPENED_AT)
    assert registry.get_sample_value("fire_unusable_results_total", {"topic": topic}) == 1


@pytest.mark.parametrize(("topic", "record"), [
    ("dead-letters", b'{"source": 5, "reason": "x"}'), ("dead-letters", b'{"source": "t[0]@1", "reason": []}'),
    ("readings", b'{"risk_level": "LOW", "is_late": false, "event_time": "0001-01-01T00:00:00"}'),
    ("readings", b'{"risk_level": "LOW", "is_late": false, "event_time": 1e999}'), ("alerts", b"[" * 100_000),
    ("alerts", transition(event_time=5)), ("alerts", transition(alert_id=[])), ("alerts", b'{"alert_id": "\\ud800"}'),
])  # fmt: skip
def test_a_record_of_wrong_types_is_counted_and_ends_nothing(results: Results, registry: CollectorRegistry, topic: str,
                                                             record: bytes) -> None:
    results.take(topic, record, OPENED_AT)
    assert registry.get_sample_value("fire_unusable_results_total", {"topic": topic}) == 1


def test_every_malformed_vector_has_a_reason_of_a_few_words(tmp_path: Path) -> None:
    refused = tmp_path / "refused.jsonl"
    subprocess.run([sys.executable, "-m", "commands.cli", "score", "--field", "bytes", "--dead-letters", str(refused),
                    str(VECTORS / "malformed.jsonl")], check=True, capture_output=True, cwd=ROOT)
    reasons = [reason_of(row["reason"]) for row in rows(refused)]
    assert len(reasons) == len(rows(VECTORS / "malformed.jsonl")) and "other" not in reasons
    assert {"idx", "deviceId", "timestamp", "not-json"} <= set(reasons)


def test_unknown_reason_counts_as_other_whatever_the_message_contains() -> None:
    assert reason_of("something new is wrong") == "other"


def test_no_more_keys_are_remembered_than_the_limit() -> None:
    seen = Seen(2)
    assert [seen.is_new(key) for key in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]
    assert REMEMBERED >= 10_000


def test_unreachable_part_is_a_metric_is_reported_once_and_loses_its_old_values() -> None:
    answers: Iterator[list[Metric] | None] = iter([[gauge("fire_x", "x", (), {(): 1.0})], None, None])
    log: list[str] = []

    def read() -> list[Metric]:
        answer = next(answers)
        if answer is None:
            raise UnavailableError("it does not answer")
        return answer

    source = Source("part", read, threading.Event(), log.append)
    sources = Sources([source])
    assert value(list(sources.collect()), "fire_source_up", source="part") == 0
    source.refresh()
    assert value(list(sources.collect()), "fire_x") == value(list(sources.collect()), "fire_source_up") == 1
    source.refresh()
    source.refresh()
    assert value(list(sources.collect()), "fire_x") is None and value(list(sources.collect()), "fire_source_up") == 0
    assert log == ["part cannot be measured: it does not answer"]


def test_unreachable_flink_has_no_running_job() -> None:
    families = Jobs([NOTHING]).read()
    assert value(families, "fire_jobmanager_up", address=NOTHING) == 0
    assert [value(families, "fire_job_running", job=job) for job in ("detect", "alert", "store")] == [0, 0, 0]


def test_unreachable_kafka_and_postgres_are_errors_that_name_them(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KafkaConsumer.DEFAULT_CONFIG, "bootstrap_timeout_ms", 100)
    with pytest.raises(UnavailableError, match=r"Kafka at 127\.0\.0\.1:1"):
        Topics(Settings(kafka_brokers=NOTHING)).read()
    with pytest.raises(UnavailableError, match="Postgres"):
        Database(connector({"host": "127.0.0.1", "port": 1, "dbname": "fire", "user": "fire"})).read()
    with pytest.raises(UnavailableError, match=r"Postgres: .*notifications"):
        Database(connector(server.empty())).read()


def test_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    assert value(metrics.disks([str(tmp_path)]), "fire_disk_free_bytes", path=str(tmp_path)) > 0  # type: ignore[operator]
    with pytest.raises(UnavailableError, match="disk"):
        metrics.disks([str(tmp_path / "nowhere")])


def test_delivery_that_is_planned_for_later_is_pending_but_does_not_wait(database: dict[str, Any]) -> None:
    sleeping = channel(MemoryTarget(), quiet_hours=QuietHours(time(0), time(23, 59), "UTC"))
    outbox = Outbox(connector(database))
    outbox.add([alert()], [], [sleeping], datetime.now(UTC) + timedelta(days=1))
    outbox.close()
    families = Database(connector(database)).read()
    assert value(families, "fire_notifications", channel="room", state="pending") == 1
    assert value(families, "fire_notification_oldest_wait_seconds", channel="room") == 0


def test_database_metrics_agree_with_the_tables(database: dict[str, Any]) -> None:
    outbox = Outbox(connector(database))
    outbox.add([alert()], [], [channel(MemoryTarget())], NOON)
    outbox.close()
    with psycopg.connect(**database, autocommit=True) as connected:
        connected.execute("SELECT * FROM fire_maintain_partitions(30)")
        connected.execute("INSERT INTO readings (device_id, idx, event_time, schema_version, risk_level, risk_score) "
                          "VALUES ('now', 1, now(), 1, 'LOW', 0.2), ('old', 1, now() - INTERVAL '1 hour', 1, 'LOW', 0.2)")
        connected.execute("INSERT INTO store_refusals (source, topic, reason) VALUES ('alerts[0]@1', 'alerts', 'no JSON')")
    families = Database(connector(database)).read()
    assert value(families, "fire_notifications", channel="room", state="pending") == 1
    assert value(families, "fire_notification_oldest_wait_seconds", channel="room") > 0  # type: ignore[operator]
    assert (value(families, "fire_devices"), value(families, "fire_devices_reporting")) == (2, 1)
    assert value(families, "fire_store_refusals") == 1
    assert value(families, "fire_database_size_bytes") > 1e6  # type: ignore[operator]
    assert [value(families, "fire_alerts_open", level=level) for level in ("MEDIUM", "HIGH", "CRITICAL")] == [0, 0, 0]


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[int]:
    """Starts the exporter in a process of its own, where only the disk can be measured."""
    port = free_ports("Metrics")["Metrics"]
    command = [sys.executable, "-m", "commands.cli", "metrics", "--port", str(port), "--jobmanager", NOTHING,
               "--disk", str(tmp_path)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "FIRE_KAFKA_BROKERS": NOTHING, "FIRE_POSTGRES_PORT": "1",
                   "FIRE_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: ports.accepts(port), "an exporter that listens")
        yield port
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0
        assert process.stdout is not None and process.stdout.read().splitlines()[-1] == "stopping"


def test_exporter_answers_while_everything_else_is_unreachable_and_stops_on_request(exporter: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter}/metrics", timeout=DEADLINE_SECONDS) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    assert value(families, "fire_source_up", source="kafka") == 0
    names = [family.name for family in families]
    assert len(set(names)) == len(names), "Prometheus refuses a family that appears twice"
    with socket.socket() as elsewhere:
        elsewhere.settimeout(2)
        assert elsewhere.connect_ex((_address_of_this_machine(), exporter)) != 0, "it listens only on the loopback address"


def _address_of_this_machine() -> str:
    """Returns an address of this machine other than loopback, or another loopback address if it has none."""
    address = socket.gethostbyname(socket.gethostname())
    return "127.0.0.2" if address.startswith("127.") else address


def test_a_port_in_use_is_an_error_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(metrics.MetricsError, match="choose another with --port"):
        metrics._listen("127.0.0.1", taken.getsockname()[1], CollectorRegistry())


def test_flinks_reporter_is_off_unless_a_port_is_set() -> None:
    cluster = flink_config.main_cluster()

    def options(port: int) -> dict[str, str]:
        return flink_config.configuration(cluster, Path("/state"), rest_port=1, rpc_port=2, java_options="", python="python",
                                          metrics_port=port)

    assert not [name for name in options(0) if name.startswith("metrics.reporter")]
    assert options(9500)["metrics.reporter.prom.port"] == "9500-9503"


CLUSTER: dict[str, Any] = {
    "/jobs/overview": {"jobs": [{"jid": "1", "name": "fire-detect", "state": "RUNNING", "start-time": 0}]},
    "/jobs/1/metrics?get=numRestarts": [{"id": "numRestarts", "value": "2"}], "/jobs/1/checkpoints": {},
    "/jobs/1": {"vertices": [{"id": "v", "name": "ProcessTableFunction[7] -> readings_out[67]: Writer"}]},
    "/jobs/1/vertices/v/subtasks/metrics": [{"id": "ProcessTableFunction[7].numRecordsIn"},
                                            {"id": "ProcessTableFunction[7].numRecordsOut"}]}


@pytest.mark.parametrize(("restarts", "expected"), [("2", 10), ("3", 9)])
def test_duplicates_fall_only_when_the_job_restarted(monkeypatch: pytest.MonkeyPatch, restarts: str, expected: int) -> None:
    """Reads Flink's two counters one after the other, so that their difference may seem to fall."""
    answers = dict(CLUSTER)

    def count(read: int, written: int) -> None:
        answers["counters"] = [{"id": f"ProcessTableFunction[7].{name}", "max": records, "sum": records}
                               for name, records in (("numRecordsIn", read), ("numRecordsOut", written))]

    monkeypatch.setattr("core.flink_rest.get", lambda address, path: answers.get(path, answers["counters"]))
    jobs = Jobs(["one"])
    count(1000, 990)
    assert value(jobs.read(), "fire_duplicates_total") == 10
    answers["/jobs/1/metrics?get=numRestarts"] = [{"id": "numRestarts", "value": restarts}]
    count(1005, 996)
    assert value(jobs.read(), "fire_duplicates_total") == expected
