"""A new quantity and a new result need files of the contract, one view and one migration; everything else follows from them.

The project is copied, the copy is given both, and its real jobs carry them from a message to the topics, the database, the
archive and the API.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pyarrow.dataset as ds
import pytest

from core.installation import ROOT, home_folder
from core.settings import Settings
from tests.conftest import Rows, message, rows
from tests.support.databases import Server

PARTS = ("docs", "contract", "core", "jobs", "udfs", "sql", "commands", "infra", "services")
HUMIDITY = """
[humidity]
spellings = ["hum"]
type = "number"
unit = "%"
range = [0, 100]
name = {en = "humidity", ko = "습도"}
minute = ["avg"]
"""
DAMP_MINUTES = """
title = "A device's minute of damp air"
grain = "one row per device and minute of damp air"
topic = "damp-minutes"
partition_by = "device_id"
partitions = 4
topic_days = 7
written_by = ["detect"]
key = ["device_id", "minute_end"]
kept_days = 90
store_with = "window_results"

[columns]
device_id = {type = "id"}
site_id = {type = "id", null = true}
minute_end = {type = "time", means = "exclusive"}
avg_humidity = {type = "number", unit = "%"}

[[examples]]
schema_version = 1
device_id = "dev-07"
minute_end = "2025-10-09T09:01:00.000Z"
avg_humidity = 91.5
"""
VIEW = """-- Where is the air damp? One row per device and minute.
CREATE TEMPORARY VIEW damp_minutes AS
SELECT
  device_id,
  site_id,
  minute_end,
  avg_humidity
FROM minute_scored
WHERE avg_humidity > 90
"""
MIGRATION = """
ALTER TABLE readings ADD COLUMN humidity double precision;
ALTER TABLE device_minutes ADD COLUMN avg_humidity double precision;
CREATE TABLE damp_minutes (
    device_id text NOT NULL, minute_end timestamptz NOT NULL, schema_version integer NOT NULL, site_id text,
    avg_humidity double precision, PRIMARY KEY (device_id, minute_end));
"""
ADDED = {"contract/measurements.toml": HUMIDITY, "contract/results/damp_minutes.toml": DAMP_MINUTES,
         "sql/detect/11_results/damp_minutes.sql": VIEW, "infra/postgres/migrations/0900_humidity.sql": MIGRATION}
STORE = """
from pyflink.java_gateway import get_gateway
from commands.replay.replay import local_configuration
from core.installation import home_folder, jars
from core.settings import Settings
from infra.postgres.migrate import migrate
from jobs import archive, store
import json, sys
conninfo, passwords, results, archived = json.loads(sys.argv[1]), *sys.argv[2:]
migrate(**conninfo)
given = Settings(source="file", parallelism=1, postgres_port=conninfo["port"], postgres_database=conninfo["dbname"],
                 file_input=results, archive=archived)
libraries = [*jars(home_folder(Settings.load()), "flink"), *jars(home_folder(Settings.load()), "parquet")]
configuration = {**local_configuration(), "pipeline.jars": ";".join(jar.as_uri() for jar in libraries)}
get_gateway().jvm.java.lang.System.setProperty("org.postgresql.pgpassfile", passwords)
store.start(given, configuration).wait()
archive.start(given, configuration).wait()
"""
ASK = """
from core.settings import Settings
from services.dashboard.app import create_app
from services.dashboard.postgres import Database
import json, sys
settings = Settings(kafka_brokers="127.0.0.1:1", flink_addresses="")
app = create_app(settings, database=Database(json.loads(sys.argv[1])), watches=False)
print(app.test_client().get(sys.argv[2]).get_data(as_text=True))
"""


@dataclass(frozen=True)
class Grown:
    """A copy of the project with the new declarations, the results of its jobs, its database and its archive."""

    folder: Path
    results: dict[str, Rows]
    database: dict[str, Any]

    def python(self, *arguments: str) -> str:
        """Runs Python with the copy on its path and returns its output."""
        home = str(home_folder(Settings.load()).absolute())
        # Left behind by a mini-cluster in this process, it would keep the command from starting its JVM.
        inherited = {name: value for name, value in os.environ.items() if name != "PYFLINK_GATEWAY_DISABLED"}
        done = subprocess.run([sys.executable, "-P", *arguments], cwd=self.folder, capture_output=True, text=True,
                              env={**inherited, "PYTHONPATH": str(self.folder), "FIRE_HOME": home})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def row(self, table: str) -> dict[str, Any]:
        """Returns the one row of a table."""
        with psycopg.connect(**self.database) as connection:
            (found,) = connection.execute(f"SELECT to_jsonb({table}) FROM {table}").fetchall()
        row: dict[str, Any] = found[0]
        return row


@pytest.fixture(scope="module")
def grown(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    folder = tmp_path_factory.mktemp("grown")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in ADDED.items():
        with (folder / path).open("a", encoding="utf-8") as file:
            file.write(text)
    made = Grown(folder, {}, server.empty())
    sent = [message("damp", idx=1, at=10, hum="95.5", pcbTemp=70.0), message("dry", idx=1, at=10), message("dry", idx=2, at=600)]
    (folder / "telemetry.jsonl").write_bytes(b"".join(each + b"\n" for each in sent))
    made.python("-m", "commands.cli", "replay", "telemetry.jsonl", "--out", "results")
    made.results.update({file.stem: rows(file) for file in (folder / "results").glob("*.jsonl")})
    made.python("-c", STORE, json.dumps(made.database), str(server.passwords), "results", str(folder / "archive"))
    return made


def test_reading_holds_the_quantity_and_is_null_where_it_was_not_measured(grown: Grown) -> None:
    assert {(row["device_id"], row["idx"]): row["humidity"] for row in grown.results["readings"]} == {
        ("damp", 1): 95.5, ("dry", 1): None, ("dry", 2): None}


def test_minute_holds_its_mean_and_the_candidate_carries_it_as_evidence(grown: Grown) -> None:
    assert {row["avg_humidity"] for row in grown.results["device_minutes"] if row["device_id"] == "damp"} == {95.5}
    assert 95.5 in {row["humidity"] for row in grown.results["candidates"] if row["subject"] == "damp"}


def test_result_holds_the_rows_of_its_view(grown: Grown) -> None:
    assert grown.results["damp_minutes"] == [{"schema_version": 1, "device_id": "damp", "site_id": None,
                                              "minute_end": "2025-10-09T09:01:00.000Z", "avg_humidity": 95.5}]


def test_database_and_archive_hold_both(grown: Grown) -> None:
    assert grown.row("damp_minutes")["avg_humidity"] == 95.5
    with psycopg.connect(**grown.database) as connection:
        assert connection.execute("SELECT humidity FROM readings WHERE device_id = 'damp'").fetchall() == [(95.5,)]
        assert connection.execute("SELECT avg_humidity FROM device_minutes WHERE device_id = 'damp'").fetchall() == [(95.5,)]
        assert connection.execute("SELECT count(*) FROM store_refusals").fetchall() == [(0,)]
    archived = ds.dataset(grown.folder / "archive", format="parquet").to_table(columns=["device_id", "humidity"]).to_pylist()
    assert {"device_id": "damp", "humidity": 95.5} in archived


def test_api_returns_the_quantity_in_a_device_s_last_messages(grown: Grown) -> None:
    device = json.loads(grown.python("-c", ASK, json.dumps(grown.database), "/api/devices/damp"))
    assert [each["humidity"] for each in device["messages"]] == [95.5]


def test_api_returns_the_rows_of_the_result(grown: Grown) -> None:
    page = json.loads(grown.python("-c", ASK, json.dumps(grown.database), "/api/results/damp-minutes/damp"))
    assert page == {"items": grown.results["damp_minutes"], "next": None, "total": 1}


def test_generated_schemas_describe_both(grown: Grown) -> None:
    grown.python("-m", "commands.cli", "generate")
    schemas = {topic: json.loads((grown.folder / f"infra/schemas/{topic}.schema.json").read_text(encoding="utf-8"))
               for topic in ("telemetry", "readings", "damp-minutes")}
    assert "hum" in schemas["telemetry"]["properties"] and "humidity" in schemas["readings"]["required"]
    for row in grown.results["damp_minutes"]:
        jsonschema.validate(row, schemas["damp-minutes"], jsonschema.Draft202012Validator)


def test_script_of_the_store_reads_and_writes_both(grown: Grown) -> None:
    script = grown.python("-m", "commands.cli", "sql", "store")
    assert "INSERT INTO damp_minutes_out" in script and "damp-minutes" in script and script.count("humidity") > 5
