"""Archive: the readings topic → Parquet files on S3 or a disk, by the hour of the event.

A job of its own beside the store: Flink restarts a job as a whole where its sinks share a source, so that one job would let a
bucket that is down hold up the database's rows, and a database that is down the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from contract import consumers
from core.settings import Settings, SettingsError
from jobs import store
from jobs.flink import kafka, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import text
from jobs.flink.script import Script

if TYPE_CHECKING:
    from pyflink.table import StatementSet, StreamTableEnvironment, TableResult


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Builds the job and executes it; returns at once with the job's client."""
    t_env = table_environment(settings, "archive", options(settings) | dict(configuration or {}))
    return build(t_env, settings).execute()


def options(settings: Settings) -> dict[str, str]:
    """Flink's keys of this job: a Parquet file is complete with a checkpoint, so these are rarer than other jobs'."""
    rare = {"execution.checkpointing.interval": f"{settings.archive_seconds} s"}
    return store.OPTIONS | ({} if settings.managed_flink or settings.source == "file" else rare)


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job; it reads what the store reads, in a consumer group of its own.

    Raises:
        SettingsError: there is no place for the archive, or readings are not where it reads.
    """
    if not settings.archive:
        raise SettingsError("FIRE_ARCHIVE is empty; name a folder or s3://bucket/prefix for the archive")
    if settings.results_in == "kinesis":
        raise SettingsError("the archive job reads results from Kafka; set FIRE_RESULTS=kafka, or let Kinesis write to S3 itself")
    whole = script(settings)
    whole.declare(t_env)
    return whole.statement_set(t_env)


def script(settings: Settings) -> Script:
    """The statements of the job."""
    given = names(settings)
    source, table, insert = sql_files.rendered(
        (tables.archive_source(settings.results_in), tables.archive_table(), tables.archive_insert()), given)
    return Script((source, *sql_files.statements("archive", given), table), (insert,))


def names(settings: Settings) -> dict[str, str]:
    """What the job's SQL may ask for by `${NAME}`."""
    given = {"KAFKA_BROKERS": settings.kafka_brokers, "TOPIC_PREFIX": settings.topic_prefix,
             "CONSUMER_GROUP": consumers.group_id("archive", settings.consumer_group), "FILE_INPUT": settings.file_input,
             "ARCHIVE": settings.archive.rstrip("/"), "TIME": store.PATTERNS["TIME"]}
    return {"KAFKA_SECURITY": kafka.lines(settings), **{name: text(value) for name, value in given.items()}}


def main() -> None:
    """Entry point of `flink run -py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
