"""Store: result topics → Postgres, by idempotent upserts.

A job of its own, so that a database that is down delays rows and never an alert. The password is not part of the job:
the driver reads it from the file that `PGPASSFILE` names in the TaskManager's environment. Where there is no such file, on
Managed Service for Apache Flink, the job takes the login from AWS Secrets Manager when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from contract import consumers
from contract.identifiers import LONGEST_BYTES
from core import secrets_manager
from core.settings import Settings, SettingsError
from jobs.flink import kafka, sql_files, tables
from jobs.flink.environment import table_environment
from jobs.flink.literals import literal
from jobs.flink.script import Script

if TYPE_CHECKING:
    from pyflink.table import StatementSet, StreamTableEnvironment, TableResult

# Short timeouts so that a dead connection is noticed within 10 s, which must exceed the 5 s that the retention may wait
# for its lock; texts untyped, so that Postgres reads times and JSON by itself.
CONNECTION = ("reWriteBatchedInserts=true&stringtype=unspecified&socketTimeout=10&connectTimeout=5&tcpKeepAlive=true"
              "&ApplicationName=fire-store")

PATTERNS = {
    # Matches the bytes, each as a character: DECODE(ENCODE(…, 'UTF-8'), 'ISO-8859-1').
    "NAME": rf"\A\P{{Cntrl}}{{1,{LONGEST_BYTES}}}\z",
    "WORD": r"\A[A-Z0-9_]{1,64}\z",
    "BASE64": r"\A[A-Za-z0-9+/]*={0,2}\z",
    # A list as JSON_QUERY writes it, without what jsonb does not hold: the character NUL and numbers of 1000 digits or more.
    "LIST": r"(?s)\A\[(?!.*?(?:\\u0000|[0-9]E[+-]?[0-9]{4})).*\z",
    # One spelling for one time: two rows of a batch that only Postgres knows to be the same would stop the job.
    "TIME": r"\A(19|2\d)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\z",
}

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
    whole = script(settings)
    whole.declare(t_env)
    return whole.statement_set(t_env)


def script(settings: Settings) -> Script:
    """The statements of the job: sources, checks, what alerts become of them, and the tables of the database."""
    given = substitutions(settings)
    sources, checks, stored, inserts = (sql_files.rendered(templates, given) for templates in (
        tables.store_sources(settings.results_in), tables.store_checks(), tables.store_tables(), tables.store_inserts()))
    return Script((*sources, *checks, *sql_files.statements("store", given), *stored), tuple(inserts))


def substitutions(settings: Settings) -> dict[str, str]:
    """What the job's SQL may ask for by `${NAME}`."""
    given = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "CONSUMER_GROUP": consumers.group_id("store", settings.consumer_group),
        "RAW_GROUP": consumers.group_id("store-raw", settings.consumer_group),
        "TOPIC_PREFIX": settings.topic_prefix,
        "FILE_INPUT": settings.file_input,
        "POSTGRES_URL": postgres_url(settings),
    }
    return {"KAFKA_SECURITY": kafka.login_lines(settings), "POSTGRES_LOGIN": postgres_login(settings),
            **{name: literal(value) for name, value in (PATTERNS | given).items()}}


def postgres_url(settings: Settings) -> str:
    """The JDBC URL of the results database, with the user and without a password."""
    database, user = quote(settings.postgres_database, safe=""), quote(settings.postgres_user, safe="")
    named = "" if settings.postgres_secret_arn else f"user={user}&"
    return f"jdbc:postgresql://{settings.postgres_host}:{settings.postgres_port}/{database}?{named}{CONNECTION}"


def postgres_login(settings: Settings) -> str:
    """The lines of a JDBC table that hold the login of a secret store; empty where the driver finds it by itself."""
    if not settings.postgres_secret_arn:
        return ""
    login = secrets_manager.login(settings.postgres_secret_arn)
    return f"'username' = '{literal(login.user)}',\n  'password' = '{literal(login.password)}',"


def main() -> None:
    """Entry point of `flink run -py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
