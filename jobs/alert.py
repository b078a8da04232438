"""The alert job: reads candidates, and writes the transitions and updates of alerts.

It is a job of its own because a DataStream within the detect job would make Flink run everything above it twice, and because an
alert must not wait for storage. Only rare rows arrive here, which makes Python state affordable: at most two reads and two
writes per row.
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
from jobs.flink.literals import literal
from jobs.flink.script import Script
from udfs.alerts.process import OUTPUT, OUTPUT_TYPE, Lifecycle

UID = "alert-lifecycle"
"""Assigns the state to its operator in every later version of the job; never change it."""
ONE_READER = {"parallelism.default": "1"}
"""Flink's options for file input: with one reader the candidates stay in order."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Builds and submits the job; returns at once with the job's client. `configuration` (Flink's keys) takes precedence."""
    forced = ONE_READER if settings.source == "file" else {}
    return build(table_environment(settings, "alert", {**forced, **(configuration or {})}), settings).execute()


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job: candidates by subject, the life cycle of alerts, and the tables that it writes."""
    whole = script(settings)
    whole.declare(t_env)
    declare_output(t_env, is_live=settings.source != "file")
    return whole.statement_set(t_env)


def script(settings: Settings) -> Script:
    """Renders the statements of the job; its INSERTs read `alert_output`, which `declare_output` declares."""
    values, connectors = substitutions(settings), (settings.results_in, settings.alerts_in)
    views = sql_files.statements("alert", values, (settings.results_in,))
    sinks, inserts = (sql_files.rendered(each(*connectors), values) for each in (tables.alert_sinks, tables.alert_inserts))
    return Script((*views, *sinks), tuple(inserts), "alert_output is what udfs/alerts makes of candidate_by_subject.")


def declare_output(t_env: StreamTableEnvironment, *, is_live: bool) -> None:
    """Declares the view `alert_output`: the output of the life cycle, in which `kind` names the result a row belongs to."""
    schema = Schema.new_builder()
    for column in OUTPUT:
        schema = schema.column(column, DataTypes.STRING().not_null())
    t_env.create_temporary_view("alert_output", lifecycle(t_env, is_live), schema.build())


def lifecycle(t_env: StreamTableEnvironment, is_live: bool) -> DataStream:
    """Runs the life cycle over `candidate_by_subject`, keyed by subject; `is_live` turns on the timers for silent subjects."""
    candidates = t_env.to_data_stream(t_env.from_path("candidate_by_subject"))
    by_subject = candidates.key_by(lambda row: row.life, key_type=Types.STRING())
    return by_subject.process(Lifecycle(is_live), OUTPUT_TYPE).name("alert life cycle").uid(UID)


def substitutions(settings: Settings) -> dict[str, str]:
    """Returns the value of each `${NAME}` in the job's SQL."""
    literals = {
        "KAFKA_BROKERS": settings.kafka_brokers, "KAFKA_COMPRESSION": settings.kafka_compression,
        "LARGEST_RECORD": LARGEST_RECORD, "CONSUMER_GROUP": consumers.group_id("alert", settings.consumer_group),
        "TOPIC_PREFIX": settings.topic_prefix, "ALERT_DELIVERY": settings.alert_delivery,
        "ALERT_TRANSACTIONS": f"{settings.consumer_group}-alerts",
        "FILE_INPUT": settings.file_input, "FILE_OUTPUT": settings.file_output,
    }  # fmt: skip
    return {"ISO_TIME": tables.ISO_TIME, "KAFKA_SECURITY": kafka.login_lines(settings), **kinesis.substitutions(settings),
            **{name: literal(value) for name, value in literals.items()}}


def main() -> None:
    """Starts the job with the settings of the environment (`flink run -py jobs/alert.py`)."""
    start(Settings.load())


if __name__ == "__main__":
    main()
