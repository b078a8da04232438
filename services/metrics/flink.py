"""Metrics from Flink's REST API: whether the jobs run, their checkpoints, and the counts of their operators.

Operators' counts start again at zero when a job restarts, as Prometheus expects of counters.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from prometheus_client import Metric

from contract.jobs import JOBS
from core import flink_rest
from services.metrics.collector import Labels, counter, gauge

PREFIX = "fire-"
READINGS = "readings_out["
"""Part of the name of the vertex that drops duplicate readings and writes the others."""
SOURCE = re.compile(r"Source__(\w+)\[\d+\]\.(numRecordsOut|KafkaSourceReader\.KafkaConsumer\.records-lag-max)")
SINK = re.compile(r"(\w+)\[\d+\]__Writer\.numRecordsSend")
DEDUPLICATE = re.compile(r"ProcessTableFunction\[\d+\]\.(numRecordsIn|numRecordsOut)")
LATE = re.compile(r"\w+\[\d+\]\.numLateRecordsDropped")
BUSY = "busyTimeMsPerSecond"
WANTED = re.compile("|".join([SOURCE.pattern, SINK.pattern, DEDUPLICATE.pattern, LATE.pattern, BUSY]))


class Jobs:
    """Reads the JobManagers at these addresses (`host:port`); one that does not answer, or a missing job, is a metric of 0."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = list(dict.fromkeys(addresses))
        self._before = Figures()

    def read(self) -> list[Metric]:
        """Returns the metric families of all jobs."""
        overviews = {address: flink_rest.get(address, "/jobs/overview") for address in self._addresses}
        figures = Figures()
        for address, job in _newest(overviews):
            figures.take(address, job)
        figures.keep_duplicates(self._before)
        self._before = figures
        up: dict[Labels, float] = {(address,): float(overview is not None) for address, overview in overviews.items()}
        return [gauge("fire_jobmanager_up", "whether the JobManager answers", ("address",), up), *figures.families()]


def _newest(overviews: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the newest run of each of the system's jobs, with its JobManager's address."""
    jobs = [(address, job) for address, overview in overviews.items() for job in (overview or {"jobs": []})["jobs"]]
    newest = {job["name"]: (address, job) for address, job in sorted(jobs, key=lambda each: int(each[1]["start-time"]))}
    yield from (newest[f"{PREFIX}{name}"] for name in JOBS if f"{PREFIX}{name}" in newest)


class Figures:
    """The values of one polling round, by family and labels."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[Labels, float]] = defaultdict(lambda: defaultdict(float))
        self._runs: dict[str, tuple[str, float]] = {}
        for name in JOBS:
            self._sums["running"][(name,)] = 0.0

    def take(self, address: str, job: dict[str, Any]) -> None:
        """Reads all values of one job."""
        name, path = job["name"].removeprefix(PREFIX), f"/jobs/{job['jid']}"
        self._sums["running"][(name,)] = float(job["state"] == "RUNNING")
        for each in flink_rest.get(address, f"{path}/metrics?get=numRestarts") or ():
            self._sums["restarts"][(name,)] = float(each["value"])
        self._runs[name] = job["jid"], self._sums["restarts"].get((name,), 0.0)
        self._checkpoints(name, int(job["start-time"]), flink_rest.get(address, f"{path}/checkpoints") or {})
        for vertex in (flink_rest.get(address, path) or {"vertices": []})["vertices"]:
            for metric in _wanted(address, f"{path}/vertices/{vertex['id']}/subtasks/metrics"):
                self._operator(name, vertex["name"], metric)

    def _checkpoints(self, job: str, started: int, checkpoints: dict[str, Any]) -> None:
        self._sums["completed"][(job,)] = checkpoints.get("counts", {}).get("completed", 0)
        last = (checkpoints.get("latest") or {}).get("completed") or {}
        self._sums["age"][(job,)] = max(time.time() - max(last.get("latest_ack_timestamp", 0), started) / 1000, 0.0)
        self._sums["duration"][(job,)] = last.get("end_to_end_duration", 0) / 1000
        self._sums["size"][(job,)] = last.get("state_size", 0)

    def _operator(self, job: str, vertex: str, metric: dict[str, Any]) -> None:
        source = SOURCE.fullmatch(metric["id"])
        if source and source[2] == "numRecordsOut":
            self._sums["read"][(job, source[1])] += metric["sum"]
        elif source and metric["max"] == metric["max"]:  # NaN means that nothing has been fetched yet
            self._sums["lag"][(job, source[1])] = metric["max"]
        elif sink := SINK.fullmatch(metric["id"]):
            self._sums["written"][(job, sink[1].removesuffix("_out"))] += metric["sum"]
        elif LATE.fullmatch(metric["id"]):
            self._sums["late"][(job,)] += metric["sum"]
        elif metric["id"] == BUSY and metric["max"] == metric["max"]:
            self._sums["busy"][(job,)] = max(self._sums["busy"][(job,)], metric["max"] / 1000)
        elif READINGS in vertex and (count := DEDUPLICATE.fullmatch(metric["id"])):
            self._sums["duplicates"][()] += metric["sum"] if count[1] == "numRecordsIn" else -metric["sum"]

    def keep_duplicates(self, before: Figures) -> None:
        """Keeps the count of duplicates from falling within one run of the job.

        It is the difference of two counts, which Flink does not report at the same instant.
        """
        if before._runs.get("detect") == self._runs.get("detect") and self._sums["duplicates"]:
            self._sums["duplicates"][()] = max(self._sums["duplicates"][()], before._sums["duplicates"].get((), 0.0))

    def families(self) -> list[Metric]:
        """Returns all metric families, including those without values."""
        sums, job = self._sums, ("job",)
        return [gauge("fire_job_running", "whether the job runs", job, sums["running"]),
                counter("fire_job_restarts", "restarts of the job since it was submitted", job, sums["restarts"]),
                gauge("fire_checkpoint_age_seconds", "time since the last completed checkpoint, or the start", job, sums["age"]),
                gauge("fire_checkpoint_duration_seconds", "duration of the last completed checkpoint", job, sums["duration"]),
                gauge("fire_checkpoint_size_bytes", "size of the last completed checkpoint", job, sums["size"]),
                counter("fire_checkpoints_completed", "completed checkpoints", job, sums["completed"]),
                counter("fire_source_records", "records that a source emitted", ("job", "source"), sums["read"]),
                gauge("fire_source_lag_records", "records by which the slowest partition is behind", ("job", "source"),
                      sums["lag"]),
                counter("fire_sink_records", "records that a sink wrote", ("job", "sink"), sums["written"]),
                counter("fire_late_records_dropped", "records that windows dropped as too late", job, sums["late"]),
                counter("fire_duplicates", "repeated readings that were dropped", (), sums["duplicates"]),
                gauge("fire_job_busy_ratio", "share of time that the busiest operator works", job, sums["busy"])]


def _wanted(address: str, path: str) -> list[dict[str, Any]]:
    """Returns the wanted metrics of one vertex, each with its maximum and sum over the subtasks."""
    listed = flink_rest.get(address, path) or ()
    names = [each["id"] for each in listed if WANTED.fullmatch(each["id"])]
    values = flink_rest.get(address, f"{path}?get={quote(','.join(names), safe=',')}") if names else None
    return [each | {name: float(each[name]) for name in ("max", "sum")} for each in values or ()]
