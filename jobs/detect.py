"""The detect job: turns telemetry into readings, dead letters, window results and candidates; it depends only on its broker."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pyflink.table import StreamTableEnvironment, TableResult

from contract import consumers
from contract.declared import CONTRACT
from contract.render_flink import column_lists
from contract.topics import LARGEST_RECORD
from core.settings import Settings
from jobs.flink import java_functions, kafka, kinesis, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import literal, number
from jobs.flink.plans import Plans, execute
from jobs.flink.script import Script
from udfs.alerts.state import REMEMBERED_MINUTES
from udfs.minutes.functions import device_patterns_of, minute_context
from udfs.readings import event_time, scoring, thresholds
from udfs.readings.clocks import DAY_MS
from udfs.readings.functions import decode_and_score

RESULTS = tuple(result.name for result in CONTRACT.written_by("detect"))
"""The results that the job writes."""
MILLISECONDS = "(1000 * EXTRACT(EPOCH FROM {0}) + EXTRACT(MILLISECOND FROM {0}))"
ARRIVALS = {"kafka": (MILLISECONDS.format("record_time"), "0"), "kinesis": (MILLISECONDS.format("CURRENT_TIMESTAMP"), "0"),
            "file": ("0", MILLISECONDS.format("arrived_by")), "records": ("arrived_ms", "newest_ms")}
"""Source → in SQL, the arrival of a message and the latest time that one without an arrival can have, in epoch milliseconds."""


def start(settings: Settings, configuration: Mapping[str, str] | None = None, views: Collection[str] = (),
          plans: Plans | None = None) -> TableResult:
    """Builds and submits the job, or the part of it that writes `views`; returns at once with the job's client.

    `configuration` (Flink's keys) takes precedence; the job is executed by `plans` if given.
    """
    t_env = table_environment(settings, "detect", options(settings) | dict(configuration or {}))
    return execute(t_env, prepared(t_env, settings, views), plans)


def options(settings: Settings) -> dict[str, str]:
    """Returns Flink's options of this job; the idle timeout is among them for Kinesis, whose table has no option for it."""
    retention = {"table.exec.state.ttl": f"{settings.deduplicate_minutes} min"}
    idle = {"table.exec.source.idle-timeout": f"{settings.idle_timeout_seconds} s"}
    return retention | (idle if settings.source == "kinesis" else {})


def prepared(t_env: StreamTableEnvironment, settings: Settings, views: Collection[str] = ()) -> Script:
    """Registers the functions and returns the script that writes `views`, or all if empty.

    Raises:
        PipelineError: the job does not write one of these views.
    """
    decoder = decode_and_score(settings.registry, settings.results_in, settings.oldest_days)
    t_env.create_temporary_function("decode_and_score", decoder)
    t_env.create_temporary_function("minute_context", minute_context)
    t_env.create_temporary_function("device_patterns_of", device_patterns_of)
    java_functions.register(t_env, "slice_rises", java_functions.SLICE_RISES, settings.managed_flink)
    if settings.deduplicate:
        java_functions.register(t_env, "first_arrivals", java_functions.FIRST_ARRIVALS, settings.managed_flink)
    return script(settings).writing(views) if views else script(settings)


def script(settings: Settings) -> Script:
    """Renders the statements of the job."""
    values = substitutions(settings)
    views = sql_files.statements("detect", values, (_source(settings), "keep_first" if settings.deduplicate else "keep_all"))
    sinks = sql_files.rendered(tables.detect_sinks(settings.results_in), values)
    return Script((*views, *sinks), tuple(sql_files.rendered(tables.detect_inserts(views, settings.results_in), values)),
                  "decode_and_score, first_arrivals, slice_rises, minute_context and device_patterns_of are functions of udfs/.")


def substitutions(settings: Settings) -> dict[str, str]:
    """Returns the value of each `${NAME}` in the job's SQL."""
    expressions = {"ISO_TIME": tables.ISO_TIME, **_times(settings), "KAFKA_SECURITY": kafka.login_lines(settings),
                   "HAZARDS": ",".join(scoring.ALERT_TYPES),
                   "RECORD_KEY": "record_key" if settings.kafka_key_is_device else "CAST(NULL AS BYTES)"}
    return (expressions | figures() | column_lists(CONTRACT, settings.results_in) | kinesis.substitutions(settings)
            | {name: literal(value) for name, value in _configured(settings).items()})


def _source(settings: Settings) -> str:
    """Returns the name of the file that declares the source of telemetry."""
    return "records" if settings.source == "file" and settings.file_lines == "records" else settings.source


def _times(settings: Settings) -> dict[str, str]:
    """Returns the expressions for the event time of a message with an arrival, and of one in a file."""
    arrived, newest = ARRIVALS[_source(settings)]
    values = {"ARRIVED_MS": arrived, "NEWEST_MS": newest, "EARLIEST_MS": number(thresholds.EARLIEST_MS),
              "OLDEST_MS": number(settings.oldest_days * DAY_MS or event_time.LATEST_MS),
              "MESSAGE_TIME": sql_files.message_time()}
    return {name.upper(): sql_files.expression(f"detect/{name}.sql", values) for name in ("time_by_arrival", "time_by_file")}


def _configured(settings: Settings) -> dict[str, object]:
    return {
        "DEDUPLICATE_MINUTES": settings.deduplicate_minutes,
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


def figures() -> dict[str, str]:
    """Returns every threshold by its name, and what SQL derives from thresholds; a frame does not count its own row."""
    named = {name: value for name, value in vars(thresholds).items() if name.isupper() and isinstance(value, int | float)}
    frames = {"CONTEXT_MINUTES_BEFORE": thresholds.CONTEXT_MINUTES - 1, "RECENT_MINUTES_BEFORE": thresholds.RECENT_MINUTES - 1,
              "STEP_SLICES": thresholds.STEP_SECONDS // thresholds.SLICE_SECONDS,
              "RISE_SLICES": thresholds.RISE_SECONDS // thresholds.SLICE_SECONDS,
              "NOISE_SLICES": 60 * thresholds.NOISE_MINUTES // thresholds.SLICE_SECONDS,
              "CLOCK_MINUTES_BEFORE": thresholds.CLOCK_MINUTES - 1, "SILENCE_SECONDS": 60 * thresholds.SILENCE_MINUTES,
              "REMEMBERED_MINUTES": REMEMBERED_MINUTES}
    return {name: number(value) for name, value in (named | thresholds.LEAST_RISK | frames).items()}


def main() -> None:
    """Starts the job with the settings of the environment (`flink run -py jobs/detect.py`)."""
    start(Settings.load())


if __name__ == "__main__":
    main()
