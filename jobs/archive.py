"""The archive job: writes the readings to Parquet files on S3 or a disk, in a folder for each hour of event time.

It is not part of the store because Flink restarts all sinks that share a source together: an unavailable bucket would delay the
rows of the database, and an unavailable database the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from contract import consumers
from core.settings import Settings, SettingsError
from jobs import store
from jobs.flink import kafka, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import literal
from jobs.flink.plans import Plans, execute
from jobs.flink.script import Script

if TYPE_CHECKING:
    from pyflink.table import TableResult


def start(settings: Settings, configuration: Mapping[str, str] | None = None, plans: Plans | None = None) -> TableResult:
    """Builds and submits the job, by `plans` if given; returns at once with the job's client.

    `configuration` (Flink's keys) takes precedence.
    """
    t_env = table_environment(settings, "archive", options(settings) | dict(configuration or {}))
    return execute(t_env, checked(settings), plans)


def options(settings: Settings) -> dict[str, str]:
    """Returns Flink's options of this job, with rarer checkpoints than in other jobs: each one completes a Parquet file."""
    interval = {"execution.checkpointing.interval": f"{settings.archive_seconds} s"}
    return store.OPTIONS | ({} if settings.managed_flink or settings.source == "file" else interval)


def checked(settings: Settings) -> Script:
    """Returns the script of the job, which reads the same topic as the store in a consumer group of its own.

    Raises:
        SettingsError: no archive is configured, or the readings are not in Kafka.
    """
    if not settings.archive:
        raise SettingsError("FIRE_ARCHIVE is empty; name a folder or s3://bucket/prefix for the archive")
    if settings.results_in == "kinesis":
        raise SettingsError("the archive job reads readings from Kafka, but FIRE_RESULTS is kinesis; set FIRE_RESULTS=kafka, or "
                            "let Kinesis write to S3 itself")
    return script(settings)


def script(settings: Settings) -> Script:
    """Renders the statements of the job."""
    values = substitutions(settings)
    source, table, insert = sql_files.rendered(
        (tables.archive_source(settings.results_in), tables.archive_table(), tables.archive_insert()), values)
    return Script((source, *sql_files.statements("archive", values), table), (insert,))


def substitutions(settings: Settings) -> dict[str, str]:
    """Returns the value of each `${NAME}` in the job's SQL."""
    literals = {"KAFKA_BROKERS": settings.kafka_brokers, "TOPIC_PREFIX": settings.topic_prefix,
                "CONSUMER_GROUP": consumers.group_id("archive", settings.consumer_group), "FILE_INPUT": settings.file_input,
                "ARCHIVE": settings.archive.rstrip("/"), "TIME": store.PATTERNS["TIME"]}
    return {"KAFKA_SECURITY": kafka.login_lines(settings), **{name: literal(value) for name, value in literals.items()}}


def main() -> None:
    """Starts the job with the settings of the environment (`flink run -py jobs/archive.py`)."""
    start(Settings.load())


if __name__ == "__main__":
    main()
