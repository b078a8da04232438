"""The alert job: candidates in, transitions and updates of alerts out.

A job of its own: a DataStream inside the SQL job would make Flink run everything above it twice, and an alert must not
wait for anything that stores. Only rare rows come here, so Python state is affordable (at most two reads and two writes a row).
"""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import DataTypes, Schema, StatementSet, StreamTableEnvironment, TableResult

from contract import consumers
from contract.topics import LARGEST_RECORD
from core.settings import Settings
from jobs.flink import kafka, kinesis, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import text
from jobs.flink.script import Script
from udfs.alerts.process import OUTPUT, OUTPUT_TYPE, Lifecycle

UID = "alert-lifecycle"
"""Binds the state to its operator in every later version of the job; never change it."""
ONE_READER = {"parallelism.default": "1"}
"""A file's candidates stay in order only with one reader."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Builds the job for the configured source and starts it; returns at once with the job's client."""
    forced = ONE_READER if settings.source == "file" else {}
    return build(table_environment(settings, "alert", {**forced, **(configuration or {})}), settings).execute()


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job: candidates by subject, the life cycle of alerts, and what it gives."""
    whole = script(settings)
    whole.declare(t_env)
    declare_output(t_env, is_live=settings.source != "file")
    return whole.statement_set(t_env)


def script(settings: Settings) -> Script:
    """The statements of the job; its INSERTs read `alert_output`, which `declare_output` declares."""
    given, places = names(settings), (settings.results_in, settings.alerts_in)
    views = sql_files.statements("alert", given, (settings.results_in,))
    sinks, inserts = (sql_files.rendered(each(*places), given) for each in (tables.alert_sinks, tables.alert_inserts))
    return Script((*views, *sinks), tuple(inserts), "alert_output is what udfs/alerts makes of candidate_by_subject.")


def declare_output(t_env: StreamTableEnvironment, *, is_live: bool) -> None:
    """Declares `alert_output`: what the life cycle makes of `candidate_by_subject`; `kind` says which sink a row is for."""
    schema = Schema.new_builder()
    for column in OUTPUT:
        schema = schema.column(column, DataTypes.STRING().not_null())
    t_env.create_temporary_view("alert_output", lifecycle(t_env, is_live), schema.build())


def lifecycle(t_env: StreamTableEnvironment, is_live: bool) -> DataStream:
    """The keyed state machine over `candidate_by_subject`; timers speak for silent subjects where it `is_live`."""
    candidates = t_env.to_data_stream(t_env.from_path("candidate_by_subject"))
    by_subject = candidates.key_by(lambda row: row.life, key_type=Types.STRING())
    return by_subject.process(Lifecycle(is_live), OUTPUT_TYPE).name("alert life cycle").uid(UID)


def names(settings: Settings) -> dict[str, str]:
    """What the job's SQL may refer to as `${NAME}`."""
    given = {
        "KAFKA_BROKERS": settings.kafka_brokers, "KAFKA_COMPRESSION": settings.kafka_compression,
        "LARGEST_RECORD": LARGEST_RECORD, "CONSUMER_GROUP": consumers.group_id("alert", settings.consumer_group),
        "TOPIC_PREFIX": settings.topic_prefix, "ALERT_DELIVERY": settings.alert_delivery,
        "ALERT_TRANSACTIONS": f"{settings.consumer_group}-alerts",
        "FILE_INPUT": settings.file_input, "FILE_OUTPUT": settings.file_output,
    }  # fmt: skip
    return {"ISO_TIME": tables.ISO_TIME, "KAFKA_SECURITY": kafka.lines(settings), **kinesis.names(settings),
            **{name: text(value) for name, value in given.items()}}


def main() -> None:
    """Starts the job with the settings of this environment (`flink run -py jobs/alert.py`)."""
    start(Settings.load())


if __name__ == "__main__":
    main()
