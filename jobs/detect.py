"""The detect job: telemetry → readings, dead letters, windows and candidates. It touches nothing but its broker."""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.table import StatementSet, StreamTableEnvironment, TableResult

from jobs.environment import table_environment
from jobs.pipeline import Pipeline, expression, text
from jobs.settings import Settings
from udfs.functions import decode_and_score

RESULTS = {
    "readings": "device_id",
    "dead_letters": "source",
    "device_minutes": "device_id",
    "device_5min_aggregates": "device_id",
    "candidates": "subject",
}
"""What the job writes, and the column that each topic is keyed by."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Submits the job and returns at once."""
    retention = {"table.exec.state.ttl": f"{settings.deduplicate_minutes} min"}
    t_env = table_environment(settings, "detect", retention | dict(configuration or {}))
    return build(t_env, settings).execute()


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job, one line a stage."""
    pipeline = Pipeline(t_env, names(settings))
    t_env.create_temporary_function("decode_and_score", decode_and_score)
    pipeline.declare(f"detect/1_sources/{settings.source}")
    pipeline.declare("detect/2_decoded", "detect/3_scored")
    pipeline.declare(f"detect/4_distinct/{'keep_first' if settings.deduplicate else 'keep_all'}")
    pipeline.declare("detect/5_readings", "detect/6_minutes", "detect/7_windows", "detect/8_candidates")
    pipeline.declare("detect/results")
    pipeline.declare_each(f"detect/sinks/{settings.source}.sql", sinks(settings))
    return pipeline.inserts("detect/inserts")


def names(settings: Settings) -> dict[str, str]:
    """What the SQL files may ask for by `${NAME}`."""
    given = {
        "LATENESS_SECONDS": settings.lateness_seconds,
        "IDLE_TIMEOUT_SECONDS": settings.idle_timeout_seconds,
        "KAFKA_BROKERS": settings.kafka_brokers,
        "KAFKA_COMPRESSION": settings.kafka_compression,
        "TOPIC_PREFIX": settings.topic_prefix,
        "CONSUMER_GROUP": settings.consumer_group,
        "FILE_INPUT": settings.file_input,
        "FILE_OUTPUT": settings.file_output,
    }
    return {"MESSAGE_TIME": expression("detect/message_time.sql")} | {name: text(value) for name, value in given.items()}


def sinks(settings: Settings) -> list[dict[str, str]]:
    """The further names of each result's sink."""
    return [{"RESULT": result, "TOPIC": text(settings.topic(result.replace("_", "-"))), "KEY": key}
            for result, key in RESULTS.items()]


def main() -> None:
    """Entry point of `flink run -py jobs/detect.py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
