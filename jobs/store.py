"""Store: result topics → Postgres, by idempotent upserts.

A job of its own, so that a database that is down delays rows and never an alert. The password is not part of the job:
the driver reads it from the file that `PGPASSFILE` names in the TaskManager's environment. Where there is no such file, on
Managed Service for Apache Flink, the job takes the login from AWS Secrets Manager when it starts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from contract import consumers
from jobs import kafka_security, secret_store
from jobs.environment import table_environment
from jobs.pipeline import Pipeline, text
from jobs.settings import Settings, SettingsError
from udfs.identifiers import LONGEST_BYTES

if TYPE_CHECKING:
    from pyflink.table import StatementSet, StreamTableEnvironment, TableResult

# Short timeouts so that a dead connection is noticed within 10 s, which must exceed the 5 s that the retention may wait
# for its lock; texts untyped, so that Postgres reads times and JSON by itself.
CONNECTION = ("reWriteBatchedInserts=true&stringtype=unspecified&socketTimeout=10&connectTimeout=5&tcpKeepAlive=true"
              "&ApplicationName=fire-store")

PATTERNS = {
    # Of the bytes, each taken for a character: DECODE(ENCODE(…, 'UTF-8'), 'ISO-8859-1').
    "NAME": rf"\A\P{{Cntrl}}{{1,{LONGEST_BYTES}}}\z",
    "WORD": r"\A[A-Z0-9_]{1,64}\z",
    "WORDS": r"\A[A-Z0-9_]{0,256}\z",
    "BASE64": r"\A[A-Za-z0-9+/]*={0,2}\z",
    # One spelling for one time: two rows of a batch that only Postgres knows to be the same would stop the job.
    # A list as JSON_QUERY writes it, without what jsonb does not hold: the character NUL, and numbers of 1000 digits and more.
    "LIST": r"(?s)\A\[(?!.*?(?:\\u0000|[0-9]E[+-]?[0-9]{4})).*\z",
    "TIME": r"\A(19|2\d)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\z",
}

WINDOWS = ("temperature_rises", "temperature_anomalies", "co_exposure", "risk_spikes", "arc_patterns", "device_correlations",
           "site_risk", "device_patterns")
"""Results that share one source and one view; each has a table of its name, and a topic with dashes."""
ALONE = {"READINGS_TOPIC": "readings", "MINUTES_TOPIC": "device-minutes", "AGGREGATES_TOPIC": "device-5min-aggregates",
         "ALERTS_TOPIC": "alerts", "STATE_TOPIC": "alert-state", "DEAD_LETTERS_TOPIC": "dead-letters"}

# The JSON format's ignore-parse-errors catches whatever is thrown while a row is handed on, so also what operators
# chained behind the source throw. Without chains no failed write is taken for bad JSON: Flink sees it and restarts.
OPTIONS = {"pipeline.operator-chaining.enabled": "false"}


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Builds the job and executes it; returns at once with the job's client."""
    t_env = table_environment(settings, "store", OPTIONS | dict(configuration or {}))
    return build(t_env, settings).execute()


def build(t_env: StreamTableEnvironment, settings: Settings) -> StatementSet:
    """Declares the whole job.

    Raises:
        SettingsError: results or alerts are not where it reads.
    """
    if "kinesis" in (settings.results_in, settings.alerts_in):
        raise SettingsError("the store job reads results and alerts from Kafka; set FIRE_RESULTS=kafka and FIRE_ALERTS=kafka "
                            "(telemetry may come from Kinesis), or do without the store")
    pipeline = Pipeline(t_env, names(settings))
    pipeline.declare(f"store/1_sources/{settings.results_in}")
    pipeline.declare("store/2_views")
    pipeline.declare("store/3_sinks")
    return pipeline.inserts("store/4_inserts")


def names(settings: Settings) -> dict[str, str]:
    """What the files below `sql/store` may ask for."""
    given = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "CONSUMER_GROUP": consumers.group_id("store", settings.consumer_group),
        "RAW_GROUP": consumers.group_id("store-raw", settings.consumer_group),
        "FILE_INPUT": settings.file_input,
        "POSTGRES_URL": postgres_url(settings),
        "WINDOW_RESULTS": "|".join(WINDOWS),
        "LONGEST_BYTES": LONGEST_BYTES,
        "LARGEST_DOUBLE": repr(sys.float_info.max),
    }
    return {"KAFKA_SECURITY": kafka_security.lines(settings), "POSTGRES_LOGIN": postgres_login(settings),
            **{name: text(value) for name, value in (PATTERNS | given | topics(settings)).items()}}


def topics(settings: Settings) -> dict[str, str]:
    """The topics, each where it has a source of its own, and the lists that one source reads."""
    alone = {name: settings.topic(topic) for name, topic in ALONE.items()}
    windows = [settings.topic(result.replace("_", "-")) for result in WINDOWS]
    lists = {"WINDOW_TOPICS": ";".join(windows), "ALL_TOPICS": ";".join([*alone.values(), *windows])}
    return {"TOPIC_PREFIX": settings.topic_prefix, **alone, **lists} | _file_names(settings)


def _file_names(settings: Settings) -> dict[str, str]:
    """A file stands for a topic under its own name."""
    return {"STATE_TOPIC": "alert_state.jsonl"} if settings.source == "file" else {}


def postgres_url(settings: Settings) -> str:
    """The JDBC URL of the results database, with the user and without a password."""
    database, user = quote(settings.postgres_database, safe=""), quote(settings.postgres_user, safe="")
    named = "" if settings.postgres_secret_arn else f"user={user}&"
    return f"jdbc:postgresql://{settings.postgres_host}:{settings.postgres_port}/{database}?{named}{CONNECTION}"


def postgres_login(settings: Settings) -> str:
    """The lines of a JDBC table that hold the login of a secret store; empty where the driver finds it by itself."""
    if not settings.postgres_secret_arn:
        return ""
    login = secret_store.login(settings.postgres_secret_arn)
    return f"'username' = '{text(login.user)}',\n  'password' = '{text(login.password)}',"


def main() -> None:
    """Entry point of `flink run -py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
