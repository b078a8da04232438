"""The detect job: telemetry → readings, dead letters, windows and candidates. It touches nothing but its broker."""

from __future__ import annotations

from collections.abc import Mapping

from pyflink.table import StatementSet, StreamTableEnvironment, TableResult

from contract import consumers
from jobs import kafka_security, kinesis
from jobs.environment import table_environment
from jobs.pipeline import Pipeline, expression, text
from jobs.settings import Settings
from udfs import limits, scoring
from udfs.functions import decode_and_score
from udfs.hour_functions import device_patterns_of, minute_context

LIMITS = ("HIGH", "CRITICAL", "RISE_C", "CO_10MIN_PPM", "CO_60MIN_PPM", "CO_10MIN_MINUTES", "CO_60MIN_MINUTES", "SPIKE",
          "SPIKE_GAP_MINUTES", "ANOMALY_C", "ANOMALY_SIGMAS", "FREQUENT_ARCS", "MODERATE_ARCS", "CLUSTER_RISK", "PAIR_RISK",
          "DIVERGENCE_C", "PATTERN_LEAST_MINUTES", "SITE_SHARE", "SITE_SHARE_PER_DEVICE", "PAIRED_DEVICES",
          "SITE_DEVICES", "SILENCE_MINUTES", "SPIKE_CRITICAL", "ANOMALY_CRITICAL_C")
"""Thresholds of `udfs.scoring` and `udfs.limits` that SQL compares with."""

RESULTS = {
    "readings": "device_id",
    "dead_letters": "source",
    "device_minutes": "device_id",
    "device_5min_aggregates": "device_id",
    "temperature_rises": "device_id",
    "temperature_anomalies": "device_id",
    "co_exposure": "device_id",
    "risk_spikes": "device_id",
    "arc_patterns": "device_id",
    "device_correlations": "site_id",
    "site_risk": "site_id",
    "device_patterns": "device_id",
    "candidates": "subject",
}
"""What the job writes, and the column that each topic is keyed by."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Submits the job and returns at once."""
    t_env = table_environment(settings, "detect", options(settings) | dict(configuration or {}))
    return build(t_env, settings).execute()


def options(settings: Settings) -> dict[str, str]:
    """Flink's keys of this job; a source whose connector makes no watermarks has its idle timeout from here."""
    retention = {"table.exec.state.ttl": f"{settings.deduplicate_minutes} min"}
    idle = {"table.exec.source.idle-timeout": f"{settings.idle_timeout_seconds} s"}
    return retention | (idle if settings.source == "kinesis" else {})


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job, one line a stage."""
    pipeline = Pipeline(t_env, names(settings))
    t_env.create_temporary_function("decode_and_score", decode_and_score(settings.registry))
    t_env.create_temporary_function("minute_context", minute_context)
    t_env.create_temporary_function("device_patterns_of", device_patterns_of)
    pipeline.declare(f"detect/1_sources/{settings.source}")
    pipeline.declare("detect/2_decoded", "detect/3_scored")
    pipeline.declare(f"detect/4_distinct/{'keep_first' if settings.deduplicate else 'keep_all'}")
    pipeline.declare("detect/5_readings", "detect/6_minutes", "detect/7_hour", "detect/8_findings")
    pipeline.declare("detect/9_windows", "detect/10_neighbours", "detect/11_results")
    pipeline.declare("detect/12_watched", "detect/13_candidates")
    pipeline.declare("detect/columns")
    pipeline.declare_each(f"detect/sinks/{settings.results_in}.sql", sinks(settings))
    return pipeline.inserts("detect/inserts", "detect/inserts_candidates")


def names(settings: Settings) -> dict[str, str]:
    """What the SQL files may ask for by `${NAME}`."""
    given = {
        "LATENESS_SECONDS": settings.lateness_seconds,
        "IDLE_TIMEOUT_SECONDS": settings.idle_timeout_seconds,
        "KINESIS_POSITION": settings.kinesis_position,
        "KINESIS_LATENESS_SECONDS": settings.kinesis_lateness_seconds,
        "KAFKA_BROKERS": settings.kafka_brokers,
        "KAFKA_COMPRESSION": settings.kafka_compression,
        "TOPIC_PREFIX": settings.topic_prefix,
        "CONSUMER_GROUP": consumers.group_id("detect", settings.consumer_group),
        "FILE_INPUT": settings.file_input,
        "FILE_OUTPUT": settings.file_output,
    }
    figures = {name: literal(vars(scoring)[name] if name in vars(scoring) else vars(limits)[name]) for name in LIMITS}
    levels = {"LOW": literal(scoring.LEVEL_CUTS[0]), "MEDIUM": literal(scoring.LEVEL_CUTS[1])}
    written = {"MESSAGE_TIME": expression("detect/message_time.sql"), "KAFKA_SECURITY": kafka_security.lines(settings),
               "RECORD_KEY": "record_key" if settings.kafka_key_is_device else "CAST(NULL AS BYTES)"}
    return written | figures | levels | kinesis.names(settings) | {name: text(value) for name, value in given.items()}


def literal(number: float) -> str:
    """A number as SQL takes it for a DOUBLE or an INT, never for a DECIMAL."""
    return str(number) if isinstance(number, int) else f"{number!r}e0"


def sinks(settings: Settings) -> list[dict[str, str]]:
    """The further names of each result's sink."""
    return [{"RESULT": result, "TOPIC": text(settings.topic(result.replace("_", "-"))), "KEY": key}
            for result, key in RESULTS.items()]


def main() -> None:
    """Entry point of `flink run -py jobs/detect.py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
