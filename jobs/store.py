"""The store job: writes the rows of the result topics to Postgres by idempotent upserts.

It is a job of its own so that an unavailable database delays rows, but never an alert. The password is not part of the job: the
driver reads it from the file that `PGPASSFILE` names in the TaskManager's environment. On Managed Service for Apache Flink, which
has no such file, the job reads the login from AWS Secrets Manager when it starts.
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
from jobs.flink.plans import Plans, execute
from jobs.flink.script import Script

if TYPE_CHECKING:
    from pyflink.table import TableResult

# Short timeouts detect a dead connection within 10 s, which must exceed the 5 s for which the retention may wait for its lock.
# Texts have no type, so that Postgres parses times and JSON.
CONNECTION = ("reWriteBatchedInserts=true&stringtype=unspecified&socketTimeout=10&connectTimeout=5&tcpKeepAlive=true"
              "&ApplicationName=fire-store")

PATTERNS = {
    # Matches bytes, each as one character: DECODE(ENCODE(…, 'UTF-8'), 'ISO-8859-1').
    "NAME": rf"\A\P{{Cntrl}}{{1,{LONGEST_BYTES}}}\z",
    "WORD": r"\A[A-Z0-9_]{1,64}\z",
    "BASE64": r"\A[A-Za-z0-9+/]*={0,2}\z",
    # A list as JSON_QUERY writes it, without what jsonb cannot store: the character NUL, and exponents of four digits.
    "LIST": r"(?s)\A\[(?!.*?(?:\\u0000|[0-9]E[+-]?[0-9]{4})).*\z",
    # One form per time: two rows of a batch whose times only Postgres recognises as equal would stop the job.
    "TIME": r"\A(19|2\d)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\z",
}

# The JSON format's ignore-parse-errors catches every error while a row is passed on, also those of operators chained to the
# source. Without chaining, a failed write is not mistaken for malformed JSON: Flink sees it and restarts.
OPTIONS = {"pipeline.operator-chaining.enabled": "false"}


def start(settings: Settings, configuration: Mapping[str, str] | None = None, plans: Plans | None = None) -> TableResult:
    """Builds and submits the job, by `plans` if given; returns at once with the job's client.

    `configuration` (Flink's keys) takes precedence.
    """
    t_env = table_environment(settings, "store", OPTIONS | dict(configuration or {}))
    return execute(t_env, checked(settings), plans)


def checked(settings: Settings) -> Script:
    """Returns the script of the job after a check of the settings.

    Raises:
        SettingsError: results or alerts are not in Kafka.
    """
    if "kinesis" in (settings.results_in, settings.alerts_in):
        raise SettingsError("the store job reads results and alerts from Kafka, but FIRE_RESULTS or FIRE_ALERTS is kinesis; set "
                            "both to kafka (telemetry may come from Kinesis), or do without the store")
    return script(settings)


def script(settings: Settings) -> Script:
    """Renders the statements of the job: sources, checks, the views of alerts, and the tables of the database."""
    values = substitutions(settings)
    sources, checks, stored, inserts = (sql_files.rendered(templates, values) for templates in (
        tables.store_sources(settings.results_in), tables.store_checks(), tables.store_tables(), tables.store_inserts()))
    return Script((*sources, *checks, *sql_files.statements("store", values), *stored), tuple(inserts))


def substitutions(settings: Settings) -> dict[str, str]:
    """Returns the value of each `${NAME}` in the job's SQL."""
    literals = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "CONSUMER_GROUP": consumers.group_id("store", settings.consumer_group),
        "RAW_GROUP": consumers.group_id("store-raw", settings.consumer_group),
        "TOPIC_PREFIX": settings.topic_prefix,
        "FILE_INPUT": settings.file_input,
        "POSTGRES_URL": postgres_url(settings),
    }
    return {"KAFKA_SECURITY": kafka.login_lines(settings), "POSTGRES_LOGIN": postgres_login(settings),
            **{name: literal(value) for name, value in (PATTERNS | literals).items()}}


def postgres_url(settings: Settings) -> str:
    """Returns the JDBC URL of the results database, without a password, and without a user if a secret holds the login."""
    database, user = quote(settings.postgres_database, safe=""), quote(settings.postgres_user, safe="")
    parameter = "" if settings.postgres_secret_arn else f"user={user}&"
    return f"jdbc:postgresql://{settings.postgres_host}:{settings.postgres_port}/{database}?{parameter}{CONNECTION}"


def postgres_login(settings: Settings) -> str:
    """Returns the option lines with the login from AWS Secrets Manager; empty if the driver reads the password from a file."""
    if not settings.postgres_secret_arn:
        return ""
    login = secrets_manager.login(settings.postgres_secret_arn)
    return f"'username' = '{literal(login.user)}',\n  'password' = '{literal(login.password)}',"


def main() -> None:
    """Starts the job with the settings of the environment (`flink run -py jobs/store.py`)."""
    start(Settings.load())


if __name__ == "__main__":
    main()
