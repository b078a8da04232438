"""Store: result topics → Postgres, by idempotent upserts.

A job of its own, so that a database that is down delays rows and never an alert. The password is not part of the job:
the driver reads it from the file that `PGPASSFILE` names in the TaskManager's environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from jobs.environment import table_environment
from jobs.pipeline import Pipeline, text
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyflink.table import TableResult

# Short timeouts so that a dead connection is noticed within 10 s, which must exceed the 5 s that the retention may wait
# for its lock; texts untyped, so that Postgres reads times and JSON by itself.
CONNECTION = ("reWriteBatchedInserts=true&stringtype=unspecified&socketTimeout=10&connectTimeout=5&tcpKeepAlive=true"
              "&ApplicationName=fire-store")

PATTERNS = {
    "NAME": r"\A\P{Cntrl}{1,256}\z",
    "WORD": r"\A[A-Z0-9_]{1,64}\z",
    "TIME": r"\A(19|2\d)\d\d-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z\z",
}

# The JSON format's ignore-parse-errors catches whatever is thrown while a row is handed on, so also what operators
# chained behind the source throw. Without chains no failed write is taken for bad JSON: Flink sees it and restarts.
OPTIONS = {"pipeline.operator-chaining.enabled": "false"}


def start(settings: Settings, configuration: Mapping[str, str] | None = None) -> TableResult:
    """Builds the job and executes it; returns at once with the job's client."""
    t_env = table_environment(settings, "store", OPTIONS | dict(configuration or {}))
    pipeline = Pipeline(t_env, names(settings))
    pipeline.declare(f"store/1_sources/{settings.source}")
    pipeline.declare("store/2_views")
    pipeline.declare("store/3_sinks")
    return pipeline.inserts("store/4_inserts").execute()


def names(settings: Settings) -> dict[str, str]:
    """What the files below `sql/store` may ask for."""
    given = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "CONSUMER_GROUP": settings.consumer_group,
        "FILE_INPUT": settings.file_input,
        "POSTGRES_URL": postgres_url(settings),
        "READINGS_TOPIC": settings.topic("readings"),
        "MINUTES_TOPIC": settings.topic("device-minutes"),
        "AGGREGATES_TOPIC": settings.topic("device-5min-aggregates"),
        "ALERTS_TOPIC": settings.topic("alerts"),
    }
    return {name: text(value) for name, value in (PATTERNS | given).items()}


def postgres_url(settings: Settings) -> str:
    """The JDBC URL of the results database, with the user and without a password."""
    database, user = quote(settings.postgres_database, safe=""), quote(settings.postgres_user, safe="")
    return f"jdbc:postgresql://{settings.postgres_host}:{settings.postgres_port}/{database}?user={user}&{CONNECTION}"


def main() -> None:
    """Entry point of `flink run -py`."""
    start(Settings.load())


if __name__ == "__main__":
    main()
