"""The embedded stack: Kafka, Postgres and two Flink clusters on this machine, started together and stopped exactly.

`start` is idempotent and restarts what is missing; the ports it chose lie in `state/stack.json`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.local import flink, folders, java, kafka, ports, postgres, processes, retention
from infra.local.flink_config import main_cluster, store_cluster
from infra.local.supervise import CHILD
from jobs.settings import Settings
from jobs.topics import TOPICS

JOBS = ("detect", "alert", "store")
PORTS = "stack.json"
EXPECTED_JOBS = "jobs.json"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """Addresses of a running stack; `jobmanager` serves detect and alert, `store_jobmanager` the store job."""

    kafka_brokers: str
    postgres_host: str
    postgres_port: int
    pgpass_file: Path
    jobmanager: str
    store_jobmanager: str
    home: Path

    def settings(self) -> Settings:
        """The configured settings, pointed at this stack."""
        return replace(Settings.load(), kafka_brokers=self.kafka_brokers, postgres_host=self.postgres_host,
                       postgres_port=self.postgres_port, postgres_database=postgres.DATABASE,
                       postgres_user=postgres.USER, postgres_password="", home=str(self.home),
                       parallelism=_parallelism())

    def database(self) -> dict[str, Any]:
        """Arguments for `psycopg.connect`; the password stays in its file."""
        return postgres.connection(self.home, self.postgres_port)


def start(home: Path, *, report: Report) -> Stack:
    """Starts what does not run, all parts side by side, creates topics and tables, and returns when all are ready.

    Raises:
        FireError: a part did not start; the others keep running until `stop`.
    """
    home = home.absolute()
    with _alone(home):
        chosen = _ports(home, report)
        stack = _stack(home, chosen)
        with ThreadPoolExecutor(4) as pool:
            parts = [pool.submit(part, home, chosen, report) for part in (_main, _kafka, _postgres, _store)]
        for part in parts:
            part.result()
        return stack


@contextmanager
def own(home: Path, name: str, report: Report) -> Iterator[Stack]:
    """A fresh stack below `home/name`, with the jars of `home`; stopped at the end, whatever happens."""
    mine = fresh_home(home, name)
    try:
        yield start(mine, report=report)
    finally:
        stop(mine)


def fresh_home(home: Path, name: str) -> Path:
    """An empty home below `home`, with its jars; what still ran there is stopped."""
    mine = home / name
    stop(mine)
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(parents=True)
    (mine / "jars").symlink_to((home / "jars").resolve(), target_is_directory=True)
    return mine


def stop(home: Path) -> bool:
    """Stops everything that was started in this home; whether anything ran."""
    home = home.absolute()
    if not folders.state(home).exists():
        return False
    with _alone(home), ThreadPoolExecutor(1) as pool:
        flinks = pool.submit(flink.stop, home)
        # Jobs end first: a sink that loses its database or broker while it shuts down logs errors nobody needs.
        found = [flinks.result(), kafka.stop(home), retention.stop(home), postgres.stop(home)]
        for name in (PORTS, EXPECTED_JOBS):
            (folders.state(home) / name).unlink(missing_ok=True)
    return any(found)


def running(home: Path) -> Stack | None:
    """The stack of this home if all its parts run."""
    home = home.absolute()
    chosen = _recorded_ports(home)
    return _stack(home, chosen) if chosen and all(alive for _, alive in parts(home)) else None


def last_known(home: Path) -> Stack | None:
    """The stack that was started in this home and not stopped since, whether or not its parts still run."""
    chosen = _recorded_ports(home.absolute())
    return _stack(home.absolute(), chosen) if chosen else None


def parts(home: Path) -> list[tuple[str, bool]]:
    """Every process that should run, by name, and whether it does."""
    state = folders.state(home.absolute())
    places = {"Kafka": kafka.folder(home), "Postgres": postgres.folder(home), "Retention": retention.folder(home)}
    for name, title in (("main", "Flink"), ("store", "Flink for the store")):
        places[f"{title}: JobManager"] = state / "flink" / name / "jobmanager"
        places[f"{title}: TaskManager's supervisor"] = state / "flink" / name / "taskmanager"
        places[f"{title}: TaskManager"] = state / "flink" / name / "taskmanager" / CHILD
    return [(title, processes.alive(place)) for title, place in places.items()]


def addresses(stack: Stack) -> dict[str, str]:
    """What a person may open or connect to."""
    return {"Kafka": stack.kafka_brokers,
            "Postgres": f"{stack.postgres_host}:{stack.postgres_port}, database and user {postgres.DATABASE}, "
                        f"PGPASSFILE={stack.pgpass_file}",
            "Flink": f"http://{stack.jobmanager}", "Flink for the store": f"http://{stack.store_jobmanager}",
            "Logs": str(folders.state(stack.home))}


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two commands must not start or stop the same stack at once."""
    folders.state(home).mkdir(parents=True, exist_ok=True)
    with (folders.state(home) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ports_file(home: Path) -> Path:
    return folders.state(home) / PORTS


def _recorded_ports(home: Path) -> dict[str, int] | None:
    try:
        return dict(json.loads(_ports_file(home).read_text()))
    except FileNotFoundError:
        return None


def _ports(home: Path, report: Report) -> dict[str, int]:
    """The ports of what still runs, else newly chosen ones: a part that is restarted must be found where it was."""
    recorded = _recorded_ports(home)
    if recorded and any(alive for _, alive in parts(home)):
        return recorded
    chosen = ports.choose(ports.DEFAULTS, report)
    _ports_file(home).write_text(json.dumps(chosen))
    return chosen


def _stack(home: Path, chosen: dict[str, int]) -> Stack:
    return Stack(kafka_brokers=f"127.0.0.1:{chosen['Kafka']}", postgres_host="127.0.0.1", home=home,
                 postgres_port=chosen["Postgres"], pgpass_file=postgres.pgpass(home),
                 jobmanager=f"127.0.0.1:{chosen['Flink']}",
                 store_jobmanager=f"127.0.0.1:{chosen['Flink for the store']}")


def _parallelism() -> int:
    """A client on its own would take one slot per processor, more than the clusters have."""
    return Settings.load().parallelism or 1


def _main(home: Path, chosen: dict[str, int], report: Report) -> None:
    began = time.monotonic()
    cluster = flink.Flink(home, java.find(), main_cluster(_parallelism()), chosen["Flink"], chosen["Flink's RPC"])
    cluster.launch()
    cluster.wait()
    report(f"Flink is ready on {cluster.address} after {time.monotonic() - began:.1f} s")


def _store(home: Path, chosen: dict[str, int], report: Report) -> None:
    began = time.monotonic()
    cluster = flink.Flink(home, java.find(), store_cluster(postgres.pgpass(home), _parallelism(), bool(Settings.load().archive)),
                          chosen["Flink for the store"], chosen["RPC of Flink for the store"])
    cluster.launch()
    cluster.wait()
    report(f"Flink for the store is ready on {cluster.address} after {time.monotonic() - began:.1f} s")


def _kafka(home: Path, chosen: dict[str, int], report: Report) -> None:
    began = time.monotonic()
    kafka.start(home, java.find(), chosen["Kafka"], chosen["Kafka's controller"])
    kafka.create_topics(f"127.0.0.1:{chosen['Kafka']}", TOPICS, Settings.load().topic_prefix)
    report(f"Kafka is ready on 127.0.0.1:{chosen['Kafka']} after {time.monotonic() - began:.1f} s")


def _postgres(home: Path, chosen: dict[str, int], report: Report) -> None:
    from infra.postgres.migrate import migrate

    began = time.monotonic()
    postgres.start(home, chosen["Postgres"])
    migrate(**postgres.connection(home, chosen["Postgres"]))
    retention.start(home, chosen["Postgres"])
    report(f"Postgres is ready on 127.0.0.1:{chosen['Postgres']} after {time.monotonic() - began:.1f} s")


def up(args: argparse.Namespace) -> int:
    """`./fire up`: starts the stack, submits the jobs, says where things are."""
    home = folders.home_folder(Settings.load())
    stack = start(home, report=print)
    if not args.no_jobs:
        _submit(stack)
    width = max(map(len, addresses(stack)))
    print("\n".join(f"{name:{width}}  {where}" for name, where in addresses(stack).items()))
    return 0


def _submit(stack: Stack) -> None:
    from infra.local import status as told
    from jobs.submit import submit

    wanted = (*JOBS, "archive") if Settings.load().archive else JOBS
    missing = tuple(job for job in wanted if not told.is_running(stack, job))
    if missing:
        submit(stack, jobs=missing)
    told.expect(stack.home, wanted)


def down(args: argparse.Namespace) -> int:
    """`./fire down`: stops the stack, and deletes its data if asked to."""
    home = folders.home_folder(Settings.load())
    print("stopped" if stop(home) else "nothing was running")
    if args.delete_data:
        shutil.rmtree(folders.state(home), ignore_errors=True)
        print(f"deleted {folders.state(home)}")
    return 0


def status(args: argparse.Namespace) -> int:
    """`./fire status`: prints what runs; exit code 1 if something that should run does not."""
    from infra.local import status as told

    return told.show(folders.home_folder(Settings.load()))
