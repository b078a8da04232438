"""Sizes and options of the embedded Flink clusters, as pure functions that can be tested without starting a cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

REPORTERS = 4
"""Number of Flink processes: two JobManagers and two TaskManagers, each of which takes the next free port."""
TIGHT_HEAP = ("-XX:MinHeapFreeRatio=20", "-XX:MaxHeapFreeRatio=40")
"""JVM options that keep garbage from enlarging a heap: for processes that have time for more collections."""
JOBMANAGER_MEMORY_MB = {"heap": 384, "metaspace": 192, "direct": 128}


@dataclass(frozen=True)
class Memory:
    """The memory of a TaskManager in MB, by the parts that Flink distinguishes."""

    framework_heap: int
    task_heap: int
    framework_off_heap: int
    task_off_heap: int
    network: int
    managed: int
    metaspace: int
    overhead: int

    @property
    def total(self) -> int:
        """The MB of the whole process; Python workers are separate processes of about 130 MB each."""
        return sum(vars(self).values())

    @property
    def heap(self) -> int:
        """The MB of the JVM's heap."""
        return self.framework_heap + self.task_heap

    @property
    def direct(self) -> int:
        """The MB of the JVM's direct memory: network buffers, Arrow, gRPC."""
        return self.framework_off_heap + self.task_off_heap + self.network


@dataclass(frozen=True)
class Cluster:
    """The sizes of one cluster.

    `environment` adds variables to the TaskManager's environment; `jars` and `plugins` name groups of infra/jars.lock.
    """

    name: str
    slots: int
    memory: Memory
    environment: Mapping[str, str] = field(default_factory=dict)
    jars: tuple[str, ...] = ("flink",)
    plugins: tuple[str, ...] = ()
    state_backend: str = "hashmap"


MAIN_MEMORY = Memory(framework_heap=128, task_heap=576, framework_off_heap=128, task_off_heap=64, network=64,
                     managed=384, metaspace=224, overhead=160)
ROCKSDB_MEMORY = replace(MAIN_MEMORY, task_heap=384, managed=576)
"""As large as `MAIN_MEMORY`, but with the caches of RocksDB, which are managed memory, where the state was."""
STORE_MEMORY = Memory(framework_heap=96, task_heap=256, framework_off_heap=96, task_off_heap=32, network=64,
                      managed=128, metaspace=192, overhead=128)
ARCHIVE_MEMORY = replace(STORE_MEMORY, task_heap=512, task_off_heap=64, metaspace=320)
"""Memory of the store cluster with the archive job, whose writers buffer a Parquet block each and whose jars are large."""


def main_cluster(parallelism: int = 1, state_backend: str = "") -> Cluster:
    """Returns the cluster of the jobs detect and alert, each of which takes as many slots as its parallelism."""
    memory = ROCKSDB_MEMORY if state_backend == "rocksdb" else MAIN_MEMORY
    return Cluster("main", 2 * parallelism, memory, state_backend=state_backend or "hashmap")


def store_cluster(pgpass: Path, parallelism: int = 1, archives: bool = False) -> Cluster:
    """Returns the cluster of the store job, which is separate because a failing database sink ends its whole TaskManager.

    With `archives`, the archive job has slots here too, so that it does not share a TaskManager with detect and alert.
    """
    cluster = Cluster("store", parallelism, STORE_MEMORY, {"PGPASSFILE": str(pgpass)})
    return replace(cluster, slots=2 * parallelism, memory=ARCHIVE_MEMORY, jars=("flink", "parquet"),
                   plugins=("s3",)) if archives else cluster


def configuration(cluster: Cluster, folder: Path, *, rest_port: int, rpc_port: int, java_options: str, python: str,
                  metrics_port: int = 0) -> dict[str, str]:
    """Returns Flink's options for a cluster that keeps its files in `folder` and listens on the loopback address only.

    With a `metrics_port`, each process also serves Prometheus, on all interfaces, as the reporter cannot be restricted.
    """
    return _reporter(metrics_port) | {
        "env.java.opts.all": java_options,
        "jobmanager.rpc.address": "127.0.0.1", "jobmanager.rpc.port": str(rpc_port),
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.memory.heap.size": f"{JOBMANAGER_MEMORY_MB['heap']}m",
        "jobmanager.memory.off-heap.size": f"{JOBMANAGER_MEMORY_MB['direct']}m",
        "jobmanager.memory.jvm-metaspace.size": f"{JOBMANAGER_MEMORY_MB['metaspace']}m",
        "jobmanager.execution.failover-strategy": "region",
        "taskmanager.host": "127.0.0.1", "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": str(cluster.slots), "taskmanager.cpu.cores": f"{cluster.slots}.0",
        **_memory(cluster.memory),
        "rest.address": "127.0.0.1", "rest.bind-address": "127.0.0.1", "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port), "blob.server.port": "0", "metrics.internal.query-service.port": "0",
        "python.executable": python, "python.client.executable": python,
        "io.tmp.dirs": f"{folder}/tmp",
        "state.backend.type": cluster.state_backend,
        "execution.checkpointing.dir": f"file://{folder}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{folder}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "3",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1s",
        "restart-strategy.exponential-delay.max-backoff": "10s",
        "restart-strategy.exponential-delay.backoff-multiplier": "1.5",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "60s",
        # A dead process is noticed at its second missed heartbeat, as its port refuses connections. The timeouts are for one that
        # does not answer: on a busy machine a cold TaskManager needs more than Flink's 10 s to accept its tasks, dozens for the
        # store, and each timeout restarts the whole job.
        "heartbeat.interval": "3000", "heartbeat.timeout": "30000",
        "slot.request.timeout": "120000", "pekko.ask.timeout": "60 s",
    }


def _reporter(port: int) -> dict[str, str]:
    if not port:
        return {}
    return {"metrics.reporters": "prom", "metrics.reporter.prom.port": f"{port}-{port + REPORTERS - 1}",
            "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"}


def _memory(memory: Memory) -> dict[str, str]:
    sizes = {"framework.heap.size": memory.framework_heap, "task.heap.size": memory.task_heap,
             "framework.off-heap.size": memory.framework_off_heap, "task.off-heap.size": memory.task_off_heap,
             "network.min": memory.network, "network.max": memory.network, "managed.size": memory.managed,
             "jvm-metaspace.size": memory.metaspace, "jvm-overhead.min": memory.overhead,
             "jvm-overhead.max": memory.overhead, "process.size": memory.total}
    return {f"taskmanager.memory.{name}": f"{mb}m" for name, mb in sizes.items()}


def jobmanager_options() -> list[str]:
    """Returns the JVM options of a JobManager: a small heap and only the fast compiler, as it computes nothing itself."""
    sizes = JOBMANAGER_MEMORY_MB
    return ["-Xms64m", f"-Xmx{sizes['heap']}m", f"-XX:MaxDirectMemorySize={sizes['direct']}m",
            f"-XX:MaxMetaspaceSize={sizes['metaspace']}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *TIGHT_HEAP]


def taskmanager_options(cluster: Cluster) -> list[str]:
    """Returns the JVM options that give a TaskManager exactly its configured memory."""
    memory = cluster.memory
    return ["-Xms128m", f"-Xmx{memory.heap}m", f"-XX:MaxDirectMemorySize={memory.direct}m",
            f"-XX:MaxMetaspaceSize={memory.metaspace}m", "-XX:+UseSerialGC"]


def yaml(options: Mapping[str, str]) -> str:
    """Formats options as a flat config.yaml; a JSON string is also a valid YAML string."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in options.items())
