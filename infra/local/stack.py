"""The embedded stack: starts and stops Kafka, Postgres, two Flink clusters and the services together.

`start` is idempotent and restarts missing parts; it records the ports it has chosen in `state/stack.json`.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from contract.topics import TOPICS
from core import embedded_stack, installation
from core.embedded_stack import Stack, parallelism, recorded_ports, stack_at
from core.logs import Report
from core.settings import Settings
from infra.local import dashboard, exporter, flink, java, kafka, ports, postgres, processes, retention
from infra.local.flink_config import Cluster, main_cluster, store_cluster
from infra.local.progress import step
from infra.local.supervise import CHILD

EXPECTED_JOBS = "jobs.json"


def start(home: Path, *, report: Report) -> Stack:
    """Starts all parts that do not run, in parallel, creates topics and tables, and returns when everything is ready.

    Raises:
        FireError: a part did not start; the other parts keep running until `stop`.
    """
    home = home.absolute()
    with _alone(home):
        chosen = _ports(home, report)
        stack = stack_at(home, chosen)
        with ThreadPoolExecutor(4) as pool:
            parts = [pool.submit(part, home, chosen, report) for part in (_main, _kafka, _postgres, _store)]
        for part in parts:
            part.result()
        exporter.start(home, chosen["Metrics"])
        return stack


@contextmanager
def own(home: Path, name: str, report: Report) -> Iterator[Stack]:
    """Provides a new stack in `home/name`, with the jars of `home`, and stops it at the end in any case."""
    mine = fresh_home(home, name)
    try:
        yield start(mine, report=report)
    finally:
        stop(mine)


def fresh_home(home: Path, name: str) -> Path:
    """Returns an empty home `home/name` with the jars and plans of `home`, after stopping and deleting an earlier one."""
    mine = home / name
    stop(mine)
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(parents=True)
    (home / "plans").mkdir(exist_ok=True)
    for shared in ("jars", "plans"):
        (mine / shared).symlink_to((home / shared).resolve(), target_is_directory=True)
    return mine


def stop(home: Path) -> bool:
    """Stops everything that was started in this home; returns whether anything ran."""
    home = home.absolute()
    if not installation.state(home).exists():
        return False
    with _alone(home), ThreadPoolExecutor(1) as pool:
        flinks = pool.submit(flink.stop, home)
        exporter.stop(home)
        # Flink stops first, because a sink that loses its database or broker while it shuts down logs needless errors.
        stopped = [flinks.result(), dashboard.stop(home), kafka.stop(home), retention.stop(home), postgres.stop(home)]
        for name in (embedded_stack.PORTS, EXPECTED_JOBS):
            (installation.state(home) / name).unlink(missing_ok=True)
    return any(stopped)


def running(home: Path) -> Stack | None:
    """Returns the stack of this home if all its parts run, otherwise None."""
    home = home.absolute()
    chosen = recorded_ports(home)
    return stack_at(home, chosen) if chosen and all(alive for _, alive in parts(home)) else None


def parts(home: Path) -> list[tuple[str, bool]]:
    """Returns the name of every process of a running stack, and whether it runs."""
    return [(title, processes.alive(folder)) for title, folder in folders(home).items()]


def folders(home: Path) -> dict[str, Path]:
    """Returns the folder of every process of a stack by its name; a supervisor comes before the process that it supervises."""
    state = installation.state(home.absolute())
    found = {"Kafka": kafka.folder(home), "Postgres": postgres.folder(home), "Retention": retention.folder(home),
             "Dashboard": dashboard.folder(home), "Metrics": exporter.folder(home)}
    for name, title in (("main", "Flink"), ("store", "Flink for the store")):
        found[f"{title}: JobManager"] = state / "flink" / name / "jobmanager"
        found[f"{title}: TaskManager's supervisor"] = state / "flink" / name / "taskmanager"
        found[f"{title}: TaskManager"] = state / "flink" / name / "taskmanager" / CHILD
    return found


def addresses(stack: Stack) -> dict[str, str]:
    """Returns the addresses for users, by name of the part."""
    return {"Dashboard": stack.dashboard, "Kafka": stack.kafka_brokers,
            "Postgres": f"{stack.postgres_host}:{stack.postgres_port}, database and user {embedded_stack.DATABASE}, "
                        f"PGPASSFILE={stack.pgpass_file}",
            "Flink": f"http://{stack.jobmanager}", "Flink for the store": f"http://{stack.store_jobmanager}",
            "Metrics": f"http://{stack.metrics}/metrics",
            "Logs": str(installation.state(stack.home))}


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Holds a lock, so that no two commands start or stop the same stack at once."""
    installation.state(home).mkdir(parents=True, exist_ok=True)
    with (installation.state(home) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ports(home: Path, report: Report) -> dict[str, int]:
    """Returns the recorded ports if any part still runs, so that restarted parts keep theirs, or else chooses new ones."""
    recorded = recorded_ports(home)
    if recorded and any(alive for _, alive in parts(home)):
        return recorded
    chosen = ports.choose(embedded_stack.DEFAULT_PORTS, report)
    (installation.state(home) / embedded_stack.PORTS).write_text(json.dumps(chosen))
    return chosen


def _main(home: Path, chosen: dict[str, int], report: Report) -> None:
    cluster = main_cluster(parallelism(), Settings.load().state_backend)
    _cluster(home, cluster, "Flink", (chosen["Flink"], chosen["Flink's RPC"]), report)


def _store(home: Path, chosen: dict[str, int], report: Report) -> None:
    archives = bool(Settings.load().archive)
    _cluster(home, store_cluster(embedded_stack.pgpass(home), parallelism(), archives), "Flink for the store",
             (chosen["Flink for the store"], chosen["RPC of Flink for the store"]), report)


def _cluster(home: Path, cluster: Cluster, title: str, at: tuple[int, int], report: Report) -> None:
    settings = Settings.load()
    started = flink.Flink(home, java.find(), cluster, *at, settings.log_format, settings.flink_metrics_port)
    with step(report, f"starting {title}") as done:
        started.launch()
        started.wait()
        done(f"{title} is ready on {started.address}")


def _kafka(home: Path, chosen: dict[str, int], report: Report) -> None:
    with step(report, "starting Kafka") as done:
        kafka.start(home, java.find(), chosen["Kafka"], chosen["Kafka's controller"])
        kafka.create_topics(f"127.0.0.1:{chosen['Kafka']}", TOPICS, Settings.load().topic_prefix)
        done(f"Kafka is ready on 127.0.0.1:{chosen['Kafka']}")


def _postgres(home: Path, chosen: dict[str, int], report: Report) -> None:
    from infra.postgres.migrate import migrate

    with step(report, "starting Postgres") as done:
        postgres.start(home, chosen["Postgres"])
        migrate(**postgres.connection(home, chosen["Postgres"]))
        retention.start(home, chosen["Postgres"])
        done(f"Postgres is ready on 127.0.0.1:{chosen['Postgres']}")
    ready = stack_at(home, chosen)
    with step(report, "starting the dashboard") as done:
        dashboard.start(home, ready.settings(), chosen["Dashboard"])
        done(f"the dashboard is ready on {ready.dashboard}")
