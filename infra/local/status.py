"""The report of `./fire status`: processes, jobs, topics and tables, and whether everything runs that should."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.topics import TOPICS
from core import embedded_stack, flink_rest, installation
from infra.local import kafka, postgres, stack

RUNNING = "RUNNING"
ENDED = ("FINISHED", "CANCELED")


@dataclass(frozen=True)
class Job:
    """A job as its JobManager reports it; `trouble` is the first line of its last exception."""

    name: str
    state: str
    restarts: int
    trouble: str


def show(home: Path) -> int:
    """Prints the state of this home's stack; returns 1 if something that should run does not, otherwise 0."""
    ran = embedded_stack.last_known(home)
    if ran is None:
        print("The stack is not running; start it with ./fire up.")
        return 1
    parts = stack.parts(home)
    for title, alive in parts:
        print(f"{'runs' if alive else 'DOWN':5} {title}")
    return max([int(not alive) for _, alive in parts] + [_jobs(ran), _topics(ran), _tables(ran)])


def expect(home: Path, names: Sequence[str]) -> None:
    """Records which jobs should run from now on."""
    _expected_file(home).write_text(json.dumps(list(names)))


def is_running(ran: embedded_stack.Stack, job: str) -> bool:
    """Returns whether a job of this name runs or is being restarted."""
    return any(each.name.endswith(job) and each.state not in (*ENDED, "FAILED") for each in jobs(ran))


def jobs(ran: embedded_stack.Stack) -> list[Job]:
    """Returns the newest job of each name on both clusters."""
    newest: dict[str, Job] = {}
    for address in (ran.jobmanager, ran.store_jobmanager):
        listed = (flink_rest.get(address, "/jobs/overview") or {"jobs": []})["jobs"]
        for job in sorted(listed, key=lambda each: int(each["start-time"])):
            newest[job["name"]] = _job(address, job["jid"], job["name"], job["state"])
    return list(newest.values())


def _job(address: str, job_id: str, name: str, state: str) -> Job:
    metrics = flink_rest.get(address, f"/jobs/{job_id}/metrics?get=numRestarts") or [{"value": "0"}]
    exceptions = flink_rest.get(address, f"/jobs/{job_id}/exceptions") or {}
    history = exceptions.get("exceptionHistory", {}).get("entries", [])
    trouble = history[0]["stacktrace"].splitlines()[0] if history else ""
    return Job(name, state, int(metrics[0]["value"]), trouble)


def _expected_file(home: Path) -> Path:
    return installation.state(home) / stack.EXPECTED_JOBS


def _expected(home: Path) -> list[str]:
    path = _expected_file(home)
    return list(json.loads(path.read_text())) if path.exists() else []


def _jobs(ran: embedded_stack.Stack) -> int:
    present = jobs(ran)
    for job in present:
        trouble = f", last trouble: {job.trouble}" if job.trouble else ""
        print(f"{'runs' if job.state == RUNNING else job.state:5} job {job.name}, {job.restarts} restarts{trouble}")
    absent = [name for name in _expected(ran.home) if not any(job.name.endswith(name) for job in present)]
    for name in absent:
        print(f"DOWN  job {name}; start it with ./fire submit {name}")
    return int(bool(absent) or any(job.state not in (RUNNING, *ENDED) for job in present))


def _topics(ran: embedded_stack.Stack) -> int:
    from kafka.errors import KafkaError

    names = [ran.settings().topic(topic.name) for topic in TOPICS]
    return _table("topic", "records", lambda: kafka.end_offsets(ran.kafka_brokers, names), KafkaError)


def _tables(ran: embedded_stack.Stack) -> int:
    import psycopg

    return _table("table", "rows (estimate)", lambda: postgres.row_estimates(ran.home, ran.postgres_port),
                  psycopg.Error)


def _table(kind: str, unit: str, count: Callable[[], Mapping[str, int]], failure: type[Exception]) -> int:
    """Prints the count of each name, or the reason why there is none; returns 1 in that case, otherwise 0."""
    try:
        counted = count()
    except failure as error:
        print(f"DOWN  {kind}s cannot be counted: {error}")
        return 1
    for name, number in counted.items():
        print(f"      {kind} {name}: {number:,} {unit}")
    return 0
