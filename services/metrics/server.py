"""`./fire metrics`: exports metrics of topics, consumer groups, results, jobs, database and disks to Prometheus.

Each part is polled in a thread of its own, so that an unreachable part is reported as down and does not fail the scrape.
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Metric, disable_created_metrics, start_http_server

from core import embedded_stack, installation
from core.database import conninfo
from core.errors import FireError
from core.interruption import interruptible, uninterrupted
from core.logs import reporter
from core.settings import Settings
from services.metrics.collector import Labels, Source, Sources, UnavailableError, gauge
from services.metrics.flink import Jobs
from services.metrics.kafka import Topics
from services.metrics.postgres import Database
from services.metrics.results import Results, Watcher
from services.notify.outbox import connector

WATCH_SECONDS = 1.0
END_SECONDS = 2.0


class MetricsError(FireError):
    """The exporter cannot work; the message states the cause and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Answers scrapes until SIGTERM or Ctrl-C."""
    settings, database, jobmanagers = _system(Settings.load())
    stop = threading.Event()
    report = reporter("metrics", settings)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry(auto_describe=False)
    topics, store = Topics(settings), Database(connector(database, "fire-metrics"))
    reads = {"flink": Jobs(args.jobmanager or jobmanagers).read, "kafka": topics.read, "postgres": store.read,
             "disk": lambda: disks(args.disk or ["/"])}
    sources = [Source(name, read, stop, report) for name, read in reads.items()]
    threads: list[Any] = [*sources, Watcher(settings, Results(settings, registry), stop, report)]
    registry.register(Sources(sources))
    server = _listen(args.host, args.port, registry)
    report(f"answering scrapes at http://{args.host}:{args.port}/metrics")
    try:
        with interruptible():
            _watch(threads)
    except KeyboardInterrupt:
        report("stopping")
    finally:
        with uninterrupted():
            stop.set()
            server.shutdown()
            for thread in threads:
                thread.join(END_SECONDS)
    return 0


def disks(paths: Sequence[str]) -> list[Metric]:
    """Returns the size and the free space of the file systems that hold these paths.

    Raises:
        UnavailableError: a path cannot be read.
    """
    try:
        usage: dict[Labels, Any] = {(path,): shutil.disk_usage(path) for path in paths}
    except OSError as problem:
        raise UnavailableError(f"disk: {problem}") from problem
    return [gauge("fire_disk_size_bytes", "size of the file system that holds the path", ("path",),
                  {path: each.total for path, each in usage.items()}),
            gauge("fire_disk_free_bytes", "space of that file system that is free for users", ("path",),
                  {path: each.free for path, each in usage.items()})]


def _watch(threads: Sequence[Any]) -> None:
    """Starts the threads and raises the error of the first one that fails."""
    for thread in threads:
        thread.start()
    while True:
        for thread in threads:
            thread.join(WATCH_SECONDS / len(threads))
            if thread.problem is not None:
                raise thread.problem


def _listen(host: str, port: int, registry: CollectorRegistry) -> Any:
    try:
        return start_http_server(port, host, registry)[0]
    except OSError as problem:
        raise MetricsError(f"nothing can listen on {host}:{port} ({problem.strerror}); choose another with --port") from problem


def _system(settings: Settings) -> tuple[Settings, dict[str, Any], list[str]]:
    """Returns the settings, the database and the JobManagers: those of the embedded stack unless the settings name others."""
    local = embedded_stack.configured(installation.home_folder(settings), settings)
    if local is None:
        return settings, conninfo(settings), ["127.0.0.1:8081"]
    return local.settings(), local.database(), [local.jobmanager, local.store_jobmanager]

