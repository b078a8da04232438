"""The table environment that every job runs in."""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, StreamTableEnvironment

from jobs.settings import Settings


def table_environment(settings: Settings, name: str, configuration: Mapping[str, str] | None = None
                      ) -> StreamTableEnvironment:
    """A streaming table environment for the job `name`; `configuration` (Flink's keys) wins over our options."""
    flink = Configuration()
    for key, value in (_options(settings, name) | dict(configuration or {})).items():
        flink.set_string(key, value)
    return StreamTableEnvironment.create(
        environment_settings=EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(flink).build())


def _options(settings: Settings, name: str) -> dict[str, str]:
    options = {
        "pipeline.name": f"fire-{name}",
        "pipeline.object-reuse": "true",
        "table.local-time-zone": "UTC",
        # One decoder for all results: without this the planner runs the Python function once for every INSERT.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        "python.fn-execution.bundle.size": str(settings.bundle_size),
        "python.fn-execution.bundle.time": str(settings.bundle_millis),
        "python.fn-execution.arrow.batch.size": str(settings.bundle_size),
    }
    return options | ({"parallelism.default": str(settings.parallelism)} if settings.parallelism else {})
