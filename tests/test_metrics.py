"""The exporter's parts alone: what they count, and what they say of a part that is away. The whole is in the end-to-end tests."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families

from infra.local import flink_config, ports
from jobs import metrics
from jobs.metrics_database import Database
from jobs.metrics_jobs import Jobs
from jobs.metrics_results import REMEMBERED, Results, Seen, reason_of
from jobs.metrics_source import Source, Sources, UnavailableError, gauge
from jobs.metrics_topics import Topics
from jobs.outbox import Outbox, connector
from jobs.settings import Settings
from tests.conftest import VECTORS, rows
from tests.databases import Server, connection, database, server
from tests.receivers import NOON, alert
from tests.test_notify import Told, channel

__all__ = ["connection", "database", "server"]
ROOT = Path(__file__).resolve().parent.parent
NOTHING = "127.0.0.1:1"
"""An address where nothing listens."""


def value(families: list[Metric], name: str, **labels: str) -> float | None:
    found = [sample.value for family in families for sample in family.samples
             if sample.name == name and labels.items() <= sample.labels.items()]
    return found[0] if found else None


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


def test_latency_is_the_brokers_time_minus_the_events(results: Results, registry: CollectorRegistry) -> None:
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
def test_rubbish_on_a_result_topic_is_counted_and_ends_nothing(results: Results, registry: CollectorRegistry, topic: str,
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
    subprocess.run([sys.executable, "-m", "jobs.commands", "score", "--field", "bytes", "--dead-letters", str(refused),
                    str(VECTORS / "malformed.jsonl")], check=True, capture_output=True, cwd=ROOT)
    reasons = [reason_of(row["reason"]) for row in rows(refused)]
    assert len(reasons) == 23 and "other" not in reasons
    assert {"idx", "deviceId", "timestamp", "not-json"} <= set(reasons)


def test_a_device_id_cannot_make_a_reason_of_its_own() -> None:
    assert reason_of("something new is wrong") == "other"


def test_no_more_keys_are_remembered_than_the_limit() -> None:
    seen = Seen(2)
    assert [seen.is_new(key) for key in ("a", "b", "a", "c", "a")] == [True, True, False, True, True]
    assert REMEMBERED >= 10_000


def test_what_is_away_is_a_figure_is_said_once_and_its_old_figures_go() -> None:
    answers: Iterator[list[Metric] | None] = iter([[gauge("fire_x", "x", (), {(): 1.0})], None, None])
    told: list[str] = []

    def read() -> list[Metric]:
        answer = next(answers)
        if answer is None:
            raise UnavailableError("it is away")
        return answer

    source = Source("part", read, threading.Event(), told.append)
    sources = Sources([source])
    assert value(list(sources.collect()), "fire_source_up", source="part") == 0
    source.refresh()
    assert value(list(sources.collect()), "fire_x") == value(list(sources.collect()), "fire_source_up") == 1
    source.refresh()
    source.refresh()
    assert value(list(sources.collect()), "fire_x") is None and value(list(sources.collect()), "fire_source_up") == 0
    assert told == ["part cannot be measured: it is away"]


def test_flink_that_is_away_has_no_running_job() -> None:
    families = Jobs([NOTHING]).read()
    assert value(families, "fire_jobmanager_up", address=NOTHING) == 0
    assert [value(families, "fire_job_running", job=job) for job in ("detect", "alert", "store")] == [0, 0, 0]


def test_kafka_and_postgres_that_are_away_are_told_with_their_address(server: Server) -> None:
    with pytest.raises(UnavailableError, match=r"Kafka at 127\.0\.0\.1:1"):
        Topics(Settings(kafka_brokers=NOTHING)).read()
    with pytest.raises(UnavailableError, match="Postgres"):
        Database(connector({"host": "127.0.0.1", "port": 1, "dbname": "fire", "user": "fire"})).read()
    with pytest.raises(UnavailableError, match=r"Postgres: .*notifications"):
        Database(connector(server.empty())).read()


def test_disk_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert value(metrics.disks([str(tmp_path)]), "fire_disk_free_bytes", path=str(tmp_path)) > 0  # type: ignore[operator]
    with pytest.raises(UnavailableError, match="disk"):
        metrics.disks([str(tmp_path / "nowhere")])


def test_database_figures_are_those_of_the_tables(database: dict[str, Any]) -> None:
    outbox = Outbox(connector(database))
    outbox.add([alert()], [], [channel(Told())], NOON)
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
    """The exporter in a process of its own, with nothing there that it could measure but the disk."""
    port = ports.choose({"Metrics": 27_400}, lambda line: None)["Metrics"]
    command = [sys.executable, "-m", "jobs.commands", "metrics", "--port", str(port), "--jobmanager", NOTHING,
               "--disk", str(tmp_path)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "FIRE_KAFKA_BROKERS": NOTHING, "FIRE_POSTGRES_PORT": "1",
                   "FIRE_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not ports.accepts(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield port
        process.terminate()
        assert process.wait(30) == 0
        assert process.stdout is not None and process.stdout.read().splitlines()[-1] == "ending"


def test_exporter_answers_though_everything_else_is_away_and_ends_when_asked(exporter: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter}/metrics", timeout=30) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    assert value(families, "fire_source_up", source="kafka") == 0
    names = [family.name for family in families]
    assert len(set(names)) == len(names), "Prometheus refuses a family that is told twice"
    with socket.socket() as elsewhere:
        elsewhere.settimeout(2)
        assert elsewhere.connect_ex((_address_of_this_machine(), exporter)) != 0, "it listens on the loopback address alone"


def _address_of_this_machine() -> str:
    """An address of this machine beyond loopback; one of loopback's other addresses where it has none."""
    found = socket.gethostbyname(socket.gethostname())
    return "127.0.0.2" if found.startswith("127.") else found


def test_a_port_in_use_is_a_sentence_with_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(metrics.MetricsError, match="choose another with --port"):
        metrics._listen("127.0.0.1", taken.getsockname()[1], CollectorRegistry())


def test_flinks_reporter_is_off_unless_a_port_is_given() -> None:
    cluster = flink_config.main_cluster()

    def options(port: int) -> dict[str, str]:
        return flink_config.configuration(cluster, Path("/state"), rest_port=1, rpc_port=2, java_options="", python="python",
                                          metrics_port=port)

    assert not [name for name in options(0) if name.startswith("metrics.reporter")]
    assert options(9500)["metrics.reporter.prom.port"] == "9500-9503"


CLUSTER: dict[str, Any] = {
    "/jobs/overview": {"jobs": [{"jid": "1", "name": "fire-detect", "state": "RUNNING", "start-time": 0}]},
    "/jobs/1/metrics?get=numRestarts": [{"id": "numRestarts", "value": "2"}], "/jobs/1/checkpoints": {},
    "/jobs/1": {"vertices": [{"id": "v", "name": "Deduplicate[7] -> readings_out[67]: Writer"}]},
    "/jobs/1/vertices/v/subtasks/metrics": [{"id": "Deduplicate[7].numRecordsIn"}, {"id": "Deduplicate[7].numRecordsOut"}]}


@pytest.mark.parametrize(("restarts", "expected"), [("2", 10), ("3", 9)])
def test_duplicates_fall_only_when_the_job_began_anew(monkeypatch: pytest.MonkeyPatch, restarts: str, expected: int) -> None:
    """Flink's two counters are read one after the other, so that their difference may seem to fall."""
    answers = dict(CLUSTER)

    def say(read: int, written: int) -> None:
        answers["counters"] = [{"id": f"Deduplicate[7].{name}", "max": count, "sum": count}
                               for name, count in (("numRecordsIn", read), ("numRecordsOut", written))]

    monkeypatch.setattr("infra.local.flink.get", lambda address, path: answers.get(path, answers["counters"]))
    jobs = Jobs(["one"])
    say(1000, 990)
    assert value(jobs.read(), "fire_duplicates_total") == 10
    answers["/jobs/1/metrics?get=numRestarts"] = [{"id": "numRestarts", "value": restarts}]
    say(1005, 996)
    assert value(jobs.read(), "fire_duplicates_total") == expected
