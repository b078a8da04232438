"""The detect job: telemetry → readings, dead letters, windows and candidates. It touches nothing but its broker."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyflink.table import StatementSet, StreamTableEnvironment, TableResult

from contract import consumers
from contract.model import CONTRACT
from contract.render_flink import column_lists
from contract.topics import LARGEST_RECORD
from core.settings import Settings
from jobs.flink import kafka, kinesis, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import text
from jobs.flink.script import Script
from udfs.alerts.state import REMEMBERED_MINUTES
from udfs.minutes.functions import device_patterns_of, minute_context
from udfs.readings import scoring, thresholds
from udfs.readings.functions import decode_and_score

RESULTS = tuple(result.name for result in CONTRACT.written_by("detect"))
"""What the job writes."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None, views: Collection[str] = ()) -> TableResult:
    """Submits the job, or the part of it that writes these views, and returns at once."""
    t_env = table_environment(settings, "detect", options(settings) | dict(configuration or {}))
    return build(t_env, settings, views).execute()


def options(settings: Settings) -> dict[str, str]:
    """Flink's keys of this job; a source whose connector makes no watermarks has its idle timeout from here."""
    retention = {"table.exec.state.ttl": f"{settings.deduplicate_minutes} min"}
    idle = {"table.exec.source.idle-timeout": f"{settings.idle_timeout_seconds} s"}
    return retention | (idle if settings.source == "kinesis" else {})


def build(t_env: StreamTableEnvironment, settings: Settings, views: Collection[str] = ()) -> StatementSet:
    """Declares the views of `sql/detect` in the order of their folders, and the INSERTs of `views`, or all if empty.

    Raises:
        PipelineError: the job does not write one of these views.
    """
    t_env.create_temporary_function("decode_and_score", decode_and_score(settings.registry))
    t_env.create_temporary_function("minute_context", minute_context)
    t_env.create_temporary_function("device_patterns_of", device_patterns_of)
    chosen = script(settings).writing(views) if views else script(settings)
    chosen.declare(t_env)
    return chosen.statement_set(t_env)


def script(settings: Settings) -> Script:
    """The statements of the job."""
    given = names(settings)
    views = sql_files.statements("detect", given, (settings.source, "keep_first" if settings.deduplicate else "keep_all"))
    sinks = sql_files.rendered(tables.detect_sinks(settings.results_in), given)
    return Script((*views, *sinks), tuple(sql_files.rendered(tables.detect_inserts(views), given)),
                  "decode_and_score, minute_context and device_patterns_of are functions of udfs/.")


def names(settings: Settings) -> dict[str, str]:
    """What the SQL files may ask for by `${NAME}`."""
    given = {
        "LATENESS_SECONDS": settings.lateness_seconds,
        "IDLE_TIMEOUT_SECONDS": settings.idle_timeout_seconds,
        "KINESIS_POSITION": settings.kinesis_position,
        "KINESIS_LATENESS_SECONDS": settings.kinesis_lateness_seconds,
        "KAFKA_BROKERS": settings.kafka_brokers,
        "KAFKA_COMPRESSION": settings.kafka_compression,
        "LARGEST_RECORD": LARGEST_RECORD,
        "TOPIC_PREFIX": settings.topic_prefix,
        "CONSUMER_GROUP": consumers.group_id("detect", settings.consumer_group),
        "FILE_INPUT": settings.file_input,
        "FILE_OUTPUT": settings.file_output,
    }
    written = {"ISO_TIME": tables.ISO_TIME, "MESSAGE_TIME": sql_files.expression("detect/message_time.sql"),
               "KAFKA_SECURITY": kafka.lines(settings),
               "RECORD_KEY": "record_key" if settings.kafka_key_is_device else "CAST(NULL AS BYTES)"}
    return (written | figures() | column_lists(CONTRACT) | kinesis.names(settings)
            | {name: text(value) for name, value in given.items()})


def figures() -> dict[str, str]:
    """The thresholds of readings and windows under their names, and what SQL needs of them: a frame leaves out its own row."""
    known = {name: value for module in (scoring, thresholds) for name, value in vars(module).items()
             if name.isupper() and isinstance(value, int | float)}
    levels = dict(zip(scoring.LEVELS[1:], scoring.LEVEL_CUTS, strict=True))
    frames = {"CONTEXT_MINUTES_BEFORE": scoring.CONTEXT_MINUTES - 1, "RECENT_MINUTES_BEFORE": thresholds.RECENT_MINUTES - 1,
              "RISE_SECONDS_BEFORE": thresholds.RISE_SECONDS - thresholds.SLICE_SECONDS,
              "SILENCE_SECONDS": 60 * scoring.SILENCE_MINUTES, "REMEMBERED_MINUTES": REMEMBERED_MINUTES}
    return {name: literal(value) for name, value in (known | levels | frames).items()}


def literal(number: float) -> str:
    """A number as SQL takes it for a DOUBLE or an INT, never for a DECIMAL."""
    return str(number) if isinstance(number, int) else f"{number!r}e0"


def main() -> None:
    """Entry point of `flink run -py jobs/detect.py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
