"""Kinesis as source and sink: the options of its tables, and the jobs over its columns."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from pyflink.table import StreamTableEnvironment

from commands.cluster import submit
from commands.replay.replay import local_configuration
from contract.declared import CONTRACT
from core.settings import Settings, SettingsError
from jobs import alert, detect, store
from jobs.flink import script
from jobs.flink.environment import table_environment
from jobs.flink.kinesis import substitutions
from jobs.flink.sql_files import Statement
from tests.conftest import Rows, message, rows

ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/"
SETTINGS = Settings(source="kinesis", kinesis_streams=ARN, topic_prefix="plant.")
REQUIRED = {"connector", "stream.arn", "aws.region", "format"}
KNOWN = REQUIRED | {
    "aws.endpoint", "source.init.position", "source.init.timestamp", "source.init.timestamp.format", "source.reader.type",
    "source.shard.discovery.interval", "source.shard.get-records.max-record-count",
    "source.reader.empty-records-fetch-interval", "source.reader.nonempty-records-fetch-interval",
    "sink.partitioner", "sink.partitioner-field-delimiter", "sink.fail-on-error", "sink.batch.max-size",
    "sink.requests.max-inflight", "sink.requests.max-buffered", "sink.flush-buffer.size", "sink.flush-buffer.timeout",
    "sink.http-client.max-concurrency", "sink.http-client.read-timeout", "sink.http-client.protocol.version",
}  # fmt: skip
"""Options of the connector in version 6.0.0, which silently ignores options with other names."""


def options(sql: str) -> dict[str, str]:
    return dict(re.findall(r"^  '([^']+)' = '([^']*)',?$", sql, re.M))


def streams(settings: Settings = SETTINGS) -> dict[str, str]:
    """Returns the statements that declare a stream, by the name of the table."""
    declared = (each.sql for job in (detect, alert) for each in job.script(settings).declarations)
    return {f"{options(sql)['stream.arn'].rpartition('/')[2]} {table_of(sql)}": sql for sql in declared
            if "'connector' = 'kinesis'" in sql}


def table_of(sql: str) -> str:
    """Returns the table that a statement declares or writes to."""
    name: str = re.findall(r"(?:TABLE|INTO) (\w+)", sql)[0]
    return name


def test_every_topic_has_its_stream() -> None:
    written = {f"plant.{result.topic} {result.name}_out" for job in ("detect", "alert") for result in CONTRACT.written_by(job)}
    assert streams().keys() == written | {"plant.telemetry telemetry_raw", "plant.candidates candidates_raw"}


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:5555"])
def test_table_has_every_option_that_the_connector_requires_and_no_unknown_one(endpoint: str) -> None:
    for name, sql in streams(Settings(source="kinesis", kinesis_streams=ARN, kinesis_endpoint=endpoint)).items():
        given, is_source = options(sql), name.endswith("_raw")
        assert REQUIRED <= given.keys() <= KNOWN
        assert given["aws.region"] == "eu-west-1"
        assert given["stream.arn"].startswith(ARN) and len(given["stream.arn"]) > len(ARN)
        assert ("aws.endpoint" in given) == bool(endpoint)
        assert ("source.init.position" in given) == is_source
        assert ("sink.http-client.protocol.version" in given) == (bool(endpoint) and not is_source)
        assert ("sink.partitioner" in given) == (given["format"] == "raw" and not is_source), "raw holds one column, so no key"


@pytest.mark.parametrize("sql", streams().values(), ids=streams())
def test_table_has_neither_metadata_which_would_lose_every_record_nor_credentials(sql: str) -> None:
    assert "METADATA" not in sql
    assert not [option for option in options(sql) if "credentials" in option]


def test_streams_have_the_names_of_topics_and_their_own_lateness_and_idle_timeout() -> None:
    settings = Settings(source="kinesis", kinesis_streams=ARN, topic_prefix="plant.", kinesis_lateness_seconds=90,
                        kinesis_discovery_seconds=5, idle_timeout_seconds=70)
    sql = streams(settings)["plant.telemetry telemetry_raw"]
    assert options(sql)["stream.arn"] == f"{ARN}plant.telemetry"
    assert options(sql)["source.shard.discovery.interval"] == "5 s"
    assert "- INTERVAL '90' SECOND" in sql
    assert detect.options(settings)["table.exec.source.idle-timeout"] == "70 s"
    assert "table.exec.source.idle-timeout" not in detect.options(Settings())


def test_store_is_refused_with_results_in_kinesis() -> None:
    with pytest.raises(SettingsError, match="FIRE_RESULTS or FIRE_ALERTS is kinesis; set both to kafka"):
        store.checked(SETTINGS)


def test_missing_jar_is_named_with_its_source(tmp_path: Path) -> None:
    (tmp_path / "jars/flink").mkdir(parents=True)
    (tmp_path / "jars/flink/kafka.jar").touch()
    with pytest.raises(submit.SubmitError, match=r"FIRE_KINESIS_JAR must name the connector's jar .*aws-kinesis-streams"):
        submit.connector_jars(Settings(source="kinesis", kinesis_streams=ARN, home=str(tmp_path)))


def test_substitutions_exist_also_without_kinesis() -> None:
    assert substitutions(Settings()).keys() == substitutions(SETTINGS).keys()


def put_on_files(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Declares files instead of streams; everything except the connector is what runs with Kinesis."""
    declare = script._declare

    def on_file(t_env: StreamTableEnvironment, statement: Statement) -> None:
        sql = statement.sql
        stream = options(sql).get("stream.arn", "").rpartition("/")[2]
        if stream:
            table = f"'connector' = 'filesystem', 'path' = '{folder / stream}', 'format' = '{options(sql)['format']}'"
            sql = re.sub(r"PARTITIONED BY \(\w+\) ", "", re.sub(r"WITH \(\n.*?\n\)", f"WITH ({table})", sql, flags=re.S))
        declare(t_env, replace(statement, sql=sql))

    patch.setattr(script, "_declare", on_file)


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Runs the detect job over the tables of Kinesis, with files instead of streams."""
    import time

    folder, now = tmp_path_factory.mktemp("kinesis"), time.time()
    at = {name: round((now + ahead) * 1000) for name, ahead in {"past": -7200, "now": 0, "ahead": 7200}.items()}
    timeless = {"deviceId": "timeless", "idx": 1, "pcbTemp": 30.0}
    sent = [*(message(name, timestamp=stamp, pcbTemp=70.0) for name, stamp in at.items()), json.dumps(timeless).encode(),
            message("broken", timestamp="yesterday")]
    (folder / "plant.telemetry").write_bytes(b"".join(each + b"\n" for each in sent))
    with pytest.MonkeyPatch.context() as patch:
        put_on_files(patch, folder)
        detect.start(SETTINGS, {**local_configuration(), "parallelism.default": "1"}).wait()
    return {result: [row for part in (folder / f"plant.{result.replace('_', '-')}").rglob("part-*") for row in rows(part)]
            for result in detect.RESULTS}


def test_job_over_kinesis_columns_scores_readings_and_writes_candidates(detected: dict[str, Rows]) -> None:
    assert {row["device_id"] for row in detected["readings"]} == {"past", "now", "ahead", "timeless"}
    assert {"past", "now"} <= {row["subject"] for row in detected["candidates"]}


def test_message_without_a_time_or_with_one_ahead_has_the_moment_of_reading(detected: dict[str, Rows]) -> None:
    readings = {row["device_id"]: row for row in detected["readings"]}
    read = {name: datetime.fromisoformat(readings[name]["event_time"]).timestamp() for name in readings}
    assert abs(read["timeless"] - read["ahead"]) < 60 and abs(read["timeless"] - read["now"]) < 600
    assert readings["timeless"]["clock_offset"] is None
    assert [round(readings[name]["clock_offset"] / 7200) for name in ("past", "now", "ahead")] == [1, 0, -1]


def test_dead_letter_is_named_by_its_digest(detected: dict[str, Rows]) -> None:
    [letter] = detected["dead_letters"]
    assert letter["reason"].startswith("timestamp cannot be read") and letter["record_time"]
    assert re.fullmatch(r"plant\.telemetry#[0-9a-f]{32}", letter["source"])


@pytest.mark.parametrize(("results", "alerts"), [("kinesis", "kinesis"), ("kafka", "kinesis"), ("kinesis", "kafka")])
def test_alert_job_reads_candidates_and_writes_alerts_with_the_configured_connectors(results: str, alerts: str) -> None:
    settings = Settings(source="kinesis", kinesis_streams=ARN, results=results, alerts=alerts)
    whole = alert.script(settings)
    found = {table_of(each.sql): options(each.sql)["connector"] for each in whole.declarations if not each.view}
    assert found == {"candidates_raw": results, "dead_letters_out": results, "alerts_out": alerts, "alert_state_out": alerts}
    inserts = {table_of(each.sql): "`key`" in each.sql for each in whole.inserts}
    assert inserts == {name: connector == "kafka" for name, connector in found.items() if name != "candidates_raw"}, (
        "only Kafka takes a key beside the raw format")


def test_alert_job_over_kinesis_columns_raises_an_alert(detected: dict[str, Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                   ) -> None:
    candidates = [row for row in detected["candidates"] if row["subject"] == "now"] + [{"no": "candidate"}]
    (tmp_path / "plant.candidates").write_text("".join(f"{json.dumps(row)}\n" for row in candidates))
    put_on_files(monkeypatch, tmp_path)
    alert.start(SETTINGS, {**local_configuration(), "parallelism.default": "1"}).wait()
    told = [row for part in (tmp_path / "plant.alerts").rglob("part-*") for row in rows(part)]
    assert ("OPENED", "now") in {(row["transition"], row["subject"]) for row in told}
    letter, = (row for part in (tmp_path / "plant.dead-letters").rglob("part-*") for row in rows(part))
    assert re.fullmatch(r"plant\.candidates#[0-9a-f]{32}", letter["source"])


def test_tables_of_kafka_and_kinesis_have_the_same_columns_in_flink(tmp_path: Path) -> None:
    t_env = table_environment(SETTINGS, "columns", local_configuration())
    for table, job in (("telemetry_raw", detect), ("candidates_raw", alert)):
        shapes = []
        for settings in (Settings(), SETTINGS):
            declared, = (each.sql for each in job.script(settings).declarations if f"TABLE {table} " in each.sql)
            t_env.execute_sql(declared)
            described = t_env.execute_sql(f"DESCRIBE {table}").collect()
            shapes.append({row[0]: row[1].split(" ")[0] for row in described})
            t_env.execute_sql(f"DROP TEMPORARY TABLE {table}")
        kafka_, kinesis_ = shapes
        assert {name: kafka_[name] for name in kafka_ if name not in ("topic", "partition", "offset")} == kinesis_
