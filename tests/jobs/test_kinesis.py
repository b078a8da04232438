"""Kinesis as source and sink: what its tables say, the jobs over its columns, and end to end where the connector is there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.cluster import submit
from commands.replay.replay import local_configuration
from core.settings import Settings, SettingsError
from jobs import alert, detect, store
from jobs.flink import sql_files
from jobs.flink.environment import table_environment
from jobs.flink.kinesis import names
from jobs.flink.sql_files import SQL, statement
from tests.conftest import Rows, message, rows

ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/"
SETTINGS = Settings(source="kinesis", kinesis_streams=ARN, topic_prefix="plant.")
FILES = sorted(file for file in SQL.rglob("*.sql") if "'connector' = 'kinesis'" in file.read_text(encoding="utf-8"))
REQUIRED = {"connector", "stream.arn", "aws.region", "format"}
KNOWN = REQUIRED | {
    "aws.endpoint", "source.init.position", "source.init.timestamp", "source.init.timestamp.format", "source.reader.type",
    "source.shard.discovery.interval", "source.shard.get-records.max-record-count",
    "source.reader.empty-records-fetch-interval", "source.reader.nonempty-records-fetch-interval",
    "sink.partitioner", "sink.partitioner-field-delimiter", "sink.fail-on-error", "sink.batch.max-size",
    "sink.requests.max-inflight", "sink.requests.max-buffered", "sink.flush-buffer.size", "sink.flush-buffer.timeout",
    "sink.http-client.max-concurrency", "sink.http-client.read-timeout", "sink.http-client.protocol.version",
}  # fmt: skip
"""Options of the connector, version 6.0.0, which ignores those of other names without a word."""


def text_of(file: Path, settings: Settings = SETTINGS) -> str:
    given = detect.names(settings) | alert.names(settings) | detect.sinks(settings)[0]
    return statement(file, given)


def options(sql: str) -> dict[str, str]:
    return dict(re.findall(r"^  '([^']+)' = '([^']*)',?$", sql, re.M))


def test_every_stream_has_its_file() -> None:
    assert [str(file.relative_to(SQL)) for file in FILES] == [
        "alert/1_sources/kinesis/candidates_raw.sql", "alert/3_dead_letters/kinesis/dead_letters.sql",
        "alert/3_sinks/kinesis/alert_state.sql", "alert/3_sinks/kinesis/alerts.sql",
        "detect/1_sources/kinesis/telemetry_raw.sql", "detect/sinks/kinesis.sql"]


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:5555"])
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_table_says_what_the_connector_requires_and_nothing_it_does_not_know(file: Path, endpoint: str) -> None:
    given = options(text_of(file, Settings(source="kinesis", kinesis_streams=ARN, kinesis_endpoint=endpoint)))
    assert REQUIRED <= given.keys() <= KNOWN
    assert given["aws.region"] == "eu-west-1"
    assert given["stream.arn"].startswith(ARN) and len(given["stream.arn"]) > len(ARN)
    assert ("aws.endpoint" in given) == bool(endpoint)
    is_source = "1_sources" in str(file)
    assert ("source.init.position" in given) == is_source
    assert ("sink.http-client.protocol.version" in given) == (bool(endpoint) and not is_source)
    assert ("sink.partitioner" in given) == (given["format"] == "raw" and not is_source), "raw holds one column, so no key"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_table_has_no_metadata_which_would_lose_every_record_and_no_credentials(file: Path) -> None:
    assert "METADATA" not in text_of(file)
    assert not [option for option in options(text_of(file)) if "credentials" in option]


def test_streams_are_called_like_topics_and_read_with_a_lateness_and_an_idle_timeout_of_their_own() -> None:
    settings = Settings(source="kinesis", kinesis_streams=ARN, topic_prefix="plant.", kinesis_lateness_seconds=90,
                        kinesis_discovery_seconds=5, idle_timeout_seconds=70)
    sql = text_of(SQL / "detect/1_sources/kinesis/telemetry_raw.sql", settings)
    assert options(sql)["stream.arn"] == f"{ARN}plant.telemetry"
    assert options(sql)["source.shard.discovery.interval"] == "5 s"
    assert "- INTERVAL '90' SECOND" in sql
    assert detect.options(settings)["table.exec.source.idle-timeout"] == "70 s"
    assert "table.exec.source.idle-timeout" not in detect.options(Settings())


def test_store_says_that_it_reads_kafka_alone() -> None:
    with pytest.raises(SettingsError, match="set FIRE_RESULTS=kafka and FIRE_ALERTS=kafka"):
        store.build(None, SETTINGS)  # type: ignore[arg-type]


def test_missing_jar_is_named_with_where_it_is_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "jars/flink").mkdir(parents=True)
    (tmp_path / "jars/flink/kafka.jar").touch()
    with pytest.raises(submit.SubmitError, match=r"FIRE_KINESIS_JAR is .. and must name .*connector-aws-kinesis-streams"):
        submit.connector_jars(Settings(source="kinesis", kinesis_streams=ARN, home=str(tmp_path)))


def test_names_are_given_also_where_nothing_is_in_kinesis() -> None:
    assert names(Settings()).keys() == names(SETTINGS).keys()


def on_files(folder: Path) -> Callable[..., str]:
    """The statements of the jobs with files in the place of streams; everything but the connector is what runs with it."""
    def replaced(file: Path, given: Any) -> str:
        sql = statement(file, given)
        stream = options(sql).get("stream.arn", "").rpartition("/")[2]
        if not stream:
            return sql
        table = f"'connector' = 'filesystem', 'path' = '{folder / stream}', 'format' = '{options(sql)['format']}'"
        return re.sub(r"PARTITIONED BY \(\w+\) ", "", re.sub(r"WITH \(\n.*?\n\)", f"WITH ({table})", sql, flags=re.S))

    return replaced


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The detect job over Kinesis's tables, their streams replaced by files."""
    import time

    folder, now = tmp_path_factory.mktemp("kinesis"), time.time()
    at = {name: round((now + ahead) * 1000) for name, ahead in {"past": -7200, "now": 0, "ahead": 7200}.items()}
    timeless = {"deviceId": "timeless", "idx": 1, "pcbTemp": 30.0}
    sent = [*(message(name, timestamp=stamp, pcbTemp=70.0) for name, stamp in at.items()), json.dumps(timeless).encode()]
    (folder / "plant.telemetry").write_bytes(b"".join(each + b"\n" for each in sent))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_files, "statement", on_files(folder))
        detect.start(SETTINGS, {**local_configuration(), "parallelism.default": "1"}).wait()
    return {result: [row for part in (folder / f"plant.{result.replace('_', '-')}").rglob("part-*") for row in rows(part)]
            for result in detect.RESULTS}


def test_job_over_its_columns_scores_readings_and_finds_candidates(detected: dict[str, Rows]) -> None:
    assert {row["device_id"] for row in detected["readings"]} == {"past", "now"}
    assert {"past", "now"} <= {row["subject"] for row in detected["candidates"]}


def test_time_more_than_an_hour_ahead_of_arrival_and_no_time_at_all_are_dead_letters_named_by_their_digest(
        detected: dict[str, Rows]) -> None:
    reasons = sorted(row["reason"] for row in detected["dead_letters"])
    assert "more than 1 h ahead of its arrival" in reasons[0]
    assert reasons[1] == "timestamp is absent, and this source has no record time"
    assert all(re.fullmatch(r"plant\.telemetry#[0-9a-f]{32}", row["source"]) for row in detected["dead_letters"])


@pytest.mark.parametrize(("results", "alerts"), [("kinesis", "kinesis"), ("kafka", "kinesis"), ("kinesis", "kafka")])
def test_alert_job_is_planned_with_either_place_for_candidates_and_alerts(
        results: str, alerts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(source="kinesis", kinesis_streams=ARN, results=results, alerts=alerts)
    declared: list[str] = []
    monkeypatch.setattr(sql_files.Pipeline, "_execute", lambda self, file, given: declared.append(str(file.relative_to(SQL))))
    monkeypatch.setattr(alert, "declare_output", lambda t_env, is_live: None)
    monkeypatch.setattr(sql_files.Pipeline, "inserts", lambda self, *folders: declared.extend(folders))
    alert.build(None, settings)  # type: ignore[arg-type]
    assert declared == [f"alert/1_sources/{results}/candidates_raw.sql", "alert/2_views/candidate_by_subject.sql",
                        f"alert/3_sinks/{alerts}/alert_state.sql", f"alert/3_sinks/{alerts}/alerts.sql",
                        f"alert/3_dead_letters/{results}/dead_letters.sql", "alert/4_inserts", f"alert/4_inserts/{alerts}"]


def test_alert_job_over_its_columns_raises_an_alert(detected: dict[str, Rows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                   ) -> None:
    candidates = [row for row in detected["candidates"] if row["subject"] == "now"] + [{"no": "candidate"}]
    (tmp_path / "plant.candidates").write_text("".join(f"{json.dumps(row)}\n" for row in candidates))
    monkeypatch.setattr(sql_files, "statement", on_files(tmp_path))
    alert.start(SETTINGS, {**local_configuration(), "parallelism.default": "1"}).wait()
    told = [row for part in (tmp_path / "plant.alerts").rglob("part-*") for row in rows(part)]
    assert ("OPENED", "now") in {(row["transition"], row["subject"]) for row in told}
    letter, = (row for part in (tmp_path / "plant.dead-letters").rglob("part-*") for row in rows(part))
    assert re.fullmatch(r"plant\.candidates#[0-9a-f]{32}", letter["source"])


def test_tables_of_kafka_and_kinesis_have_the_same_columns_in_flink(tmp_path: Path) -> None:
    t_env = table_environment(SETTINGS, "columns", local_configuration())
    for table, job in (("telemetry_raw", detect), ("candidates_raw", alert)):
        shapes = []
        for kind in ("kafka", "kinesis"):
            file = next(SQL.glob(f"*/1_sources/{kind}/{table}.sql"))
            t_env.execute_sql(statement(file, job.names(SETTINGS)))
            described = t_env.execute_sql(f"DESCRIBE {table}").collect()
            shapes.append({row[0]: row[1].split(" ")[0] for row in described})
            t_env.execute_sql(f"DROP TABLE {table}")
        kafka_, kinesis_ = shapes
        assert {name: kafka_[name] for name in kafka_ if name not in ("topic", "partition", "offset")} == kinesis_
