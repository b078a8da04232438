"""Sizes and options of the embedded Flink clusters; pure, so that they can be read and tested without starting any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

JOBMANAGER_MEMORY_MB = {"heap": 384, "metaspace": 192, "direct": 128}


@dataclass(frozen=True)
class Memory:
    """A TaskManager's memory in MB, part by part as Flink names them; `total` is its process size."""

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
        """MB of the whole process; Python workers are separate processes of about 130 MB each and come on top."""
        return sum(vars(self).values())

    @property
    def heap(self) -> int:
        """MB of the JVM's heap."""
        return self.framework_heap + self.task_heap

    @property
    def direct(self) -> int:
        """MB outside the heap that the JVM accounts: network buffers, Arrow, gRPC."""
        return self.framework_off_heap + self.task_off_heap + self.network


@dataclass(frozen=True)
class Cluster:
    """One cluster: its slots, its TaskManager's memory, what that one's environment holds beside the usual, and the kinds
    of jars on its class path and among its plugins."""

    name: str
    slots: int
    memory: Memory
    environment: Mapping[str, str] = field(default_factory=dict)
    jars: tuple[str, ...] = ("flink",)
    plugins: tuple[str, ...] = ()


MAIN_MEMORY = Memory(framework_heap=128, task_heap=576, framework_off_heap=128, task_off_heap=64, network=64,
                     managed=384, metaspace=224, overhead=160)
STORE_MEMORY = Memory(framework_heap=96, task_heap=256, framework_off_heap=96, task_off_heap=32, network=64,
                      managed=128, metaspace=192, overhead=128)
ARCHIVE_MEMORY = replace(STORE_MEMORY, task_heap=512, task_off_heap=64, metaspace=320)
"""Of the store's cluster with the archive, whose writers hold a block of Parquet each, and whose jars have many classes."""


def main_cluster(parallelism: int = 1) -> Cluster:
    """The cluster of the jobs detect and alert; each takes a slot per degree of parallelism."""
    return Cluster("main", 2 * parallelism, MAIN_MEMORY)


def store_cluster(pgpass: Path, parallelism: int = 1, archives: bool = False) -> Cluster:
    """The cluster of the job store; a failing database sink takes its whole TaskManager down, so it has its own.

    Where readings are archived, the job archive has slots here too; nobody who waits for an alarm shares them.
    """
    cluster = Cluster("store", parallelism, STORE_MEMORY, {"PGPASSFILE": str(pgpass)})
    return replace(cluster, slots=2 * parallelism, memory=ARCHIVE_MEMORY, jars=("flink", "parquet"),
                   plugins=("s3",)) if archives else cluster


def configuration(cluster: Cluster, folder: Path, *, rest_port: int, rpc_port: int, java_options: str, python: str
                  ) -> dict[str, str]:
    """Flink's options for one cluster that lives in `folder` and listens on the loopback address only."""
    return {
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
        "state.backend.type": "hashmap",
        "execution.checkpointing.dir": f"file://{folder}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{folder}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": "3",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1s",
        "restart-strategy.exponential-delay.max-backoff": "10s",
        "restart-strategy.exponential-delay.backoff-multiplier": "1.5",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "60s",
        # A dead TaskManager is noticed within 15 s instead of 50 s; less would be mistaken on a busy machine.
        "heartbeat.interval": "3000", "heartbeat.timeout": "15000", "slot.request.timeout": "120000",
    }


def _memory(memory: Memory) -> dict[str, str]:
    sizes = {"framework.heap.size": memory.framework_heap, "task.heap.size": memory.task_heap,
             "framework.off-heap.size": memory.framework_off_heap, "task.off-heap.size": memory.task_off_heap,
             "network.min": memory.network, "network.max": memory.network, "managed.size": memory.managed,
             "jvm-metaspace.size": memory.metaspace, "jvm-overhead.min": memory.overhead,
             "jvm-overhead.max": memory.overhead, "process.size": memory.total}
    return {f"taskmanager.memory.{name}": f"{mb}m" for name, mb in sizes.items()}


def jobmanager_options() -> list[str]:
    """JVM options of a JobManager, which coordinates and computes nothing: a small heap and the quick compiler only."""
    sizes = JOBMANAGER_MEMORY_MB
    return ["-Xms64m", f"-Xmx{sizes['heap']}m", f"-XX:MaxDirectMemorySize={sizes['direct']}m",
            f"-XX:MaxMetaspaceSize={sizes['metaspace']}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def taskmanager_options(cluster: Cluster) -> list[str]:
    """JVM options that grant a TaskManager exactly what its configuration says."""
    memory = cluster.memory
    return ["-Xms128m", f"-Xmx{memory.heap}m", f"-XX:MaxDirectMemorySize={memory.direct}m",
            f"-XX:MaxMetaspaceSize={memory.metaspace}m", "-XX:+UseSerialGC"]


def yaml(options: Mapping[str, str]) -> str:
    """A flat config.yaml; JSON's quoting is YAML's."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in options.items())
