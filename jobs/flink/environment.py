"""The table environment that every job runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, StreamTableEnvironment

from core.settings import Settings

BUFFER_MILLIS = 20
"""How long a row waits for others at each exchange between tasks; Flink's default of 100 ms adds up on the way of an alert."""


def table_environment(settings: Settings, name: str, configuration: Mapping[str, str] | None = None
                      ) -> StreamTableEnvironment:
    """Creates a streaming table environment for the job `name`; `configuration` (Flink's keys) takes precedence."""
    flink = Configuration()
    for key, value in (_options(settings, name) | dict(configuration or {})).items():
        flink.set_string(key, value)
    return StreamTableEnvironment.create(
        _stream_environment(flink),
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(flink).build())


def _stream_environment(flink: Configuration) -> StreamExecutionEnvironment:
    """Connects to the cluster that `execution.target` names, else to the one that started this client, else runs locally."""
    if not flink.contains_key("execution.target"):
        return StreamExecutionEnvironment.get_execution_environment(flink)
    # PyFlink regards every client outside `flink run` as local: it would replace the target by a mini-cluster and make the
    # workers call back a client that has long ended.
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112 -- its name in PyFlink
    java = get_gateway().jvm.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment
    return StreamExecutionEnvironment(java(flink._j_configuration))


def _options(settings: Settings, name: str) -> dict[str, str]:
    """Returns Flink's options for a job.

    Managed Service for Apache Flink refuses a program that sets bundles, checkpoints, state backend or parallelism: its
    defaults apply to bundles and state, and the application's configuration to the others.
    """
    options = {
        "pipeline.name": f"fire-{name}",
        "pipeline.object-reuse": "true",
        "table.local-time-zone": "UTC",
        # One decoder for all results: otherwise the planner runs the Python function once per INSERT.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    }
    return options if settings.managed_flink else options | _bundles(settings) | _state(settings) | _checkpoints(settings)


def _bundles(settings: Settings) -> dict[str, str]:
    options = {
        "python.fn-execution.bundle.size": str(settings.bundle_size),
        "python.fn-execution.bundle.time": str(settings.bundle_millis),
        "python.fn-execution.arrow.batch.size": str(settings.bundle_size),
        "execution.buffer-timeout.interval": f"{BUFFER_MILLIS} ms",
    }
    return options | ({"parallelism.default": str(settings.parallelism)} if settings.parallelism else {})


def _state(settings: Settings) -> dict[str, str]:
    """Returns the options of a chosen state backend; checkpoints of RocksDB contain only what has changed since the last one."""
    if not settings.state_backend:
        return {}
    return {"state.backend.type": settings.state_backend,
            "execution.checkpointing.incremental": str(settings.state_backend == "rocksdb").lower()}


def _checkpoints(settings: Settings) -> dict[str, str]:
    """Returns the options of checkpoints; none for a file, which is read again from its start after a failure."""
    if settings.source == "file" or not settings.checkpoint_seconds:
        return {}
    return {
        "execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",
        "execution.checkpointing.timeout": "2 min",
        "execution.checkpointing.tolerable-failed-checkpoints": "10",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }
