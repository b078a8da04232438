"""Stop and rewind report what prevents them, with a remedy; the end-to-end tests cover their effects."""

from __future__ import annotations

import argparse
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient

from commands import cli
from commands.cli import arguments
from commands.cluster import submit
from commands.cluster.rewind import RewindError, rewind, run
from commands.cluster.stop import StopError, stop
from contract import consumers
from contract.jobs import JOBS
from contract.topics import TOPICS
from core.settings import Settings

NOTHING = "127.0.0.1:1"
OVERVIEW = {"jobs": [{"jid": "1", "name": "fire-detect", "state": "RUNNING"},
                     {"jid": "2", "name": "fire-alert", "state": "FAILED"}]}


class JobManager(http.server.BaseHTTPRequestHandler):
    """Answers as Flink does for a cluster where detect runs, alert has failed, and no savepoint succeeds."""

    def do_GET(self) -> None:
        failed = {"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"stack-trace": "disk is full\n\tat x"}}}
        self._answer(OVERVIEW if self.path == "/jobs/overview" else failed)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"request-id": "7"})

    def _answer(self, answer: Any) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        """Suppresses the access log."""


@pytest.fixture
def jobmanager() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), JobManager) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_job_manager_that_does_not_answer_is_named_by_its_address() -> None:
    with pytest.raises(StopError, match=r"no JobManager answers at 127\.0\.0\.1:1; name another"):
        stop(NOTHING, "detect")


def test_a_job_that_does_not_run_cannot_be_stopped(jobmanager: str) -> None:
    with pytest.raises(StopError, match=r"alert does not run .*; start it with \./fire submit alert"):
        stop(jobmanager, "alert")


def test_a_failed_savepoint_leaves_the_job_running_and_reports_the_cause(jobmanager: str) -> None:
    with pytest.raises(StopError, match="detect keeps running because its savepoint failed: disk is full; try again"):
        stop(jobmanager, "detect")


def test_a_running_job_is_not_rewound(jobmanager: str) -> None:
    args = argparse.Namespace(job="detect", to=datetime.now(UTC), jobmanager=jobmanager)
    with pytest.raises(RewindError, match=r"would overwrite its offsets; stop it with \./fire stop detect"):
        run(args)


def test_unreachable_brokers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KafkaAdminClient.DEFAULT_CONFIG, "bootstrap_timeout_ms", 100)
    monkeypatch.setitem(KafkaConsumer.DEFAULT_CONFIG, "bootstrap_timeout_ms", 100)
    with pytest.raises(RewindError, match=r"Kafka at 127\.0\.0\.1:1 did not rewind store"):
        rewind(Settings(kafka_brokers=NOTHING), "store", datetime.now(UTC))


def test_every_topic_that_a_job_reads_is_rewound() -> None:
    names = [topic.name for topic in TOPICS]
    assert {topic for job in JOBS for reader in consumers.of_program(job) for topic in reader.read(names)} == set(names)


def test_a_savepoint_belongs_to_one_job() -> None:
    args = cli.parse(["submit", "detect", "alert", "--from", "file:/x", "--jobmanager", NOTHING])
    with pytest.raises(submit.SubmitError, match="a savepoint belongs to one job"):
        submit.run(args)


@pytest.mark.parametrize(("text", "offset"), [("2025-10-09T18:00:00Z", 0), ("2025-10-09T18:00:00", 0),
                                               ("2025-10-09T18:00+09:00", 9)])
def test_time_is_iso_8601_and_utc_without_an_offset(text: str, offset: int) -> None:
    assert arguments.moment(text) == datetime(2025, 10, 9, 18, tzinfo=UTC) - timedelta(hours=offset)


def test_text_that_is_not_a_time_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it like"):
        arguments.moment("yesterday")
