"""The alert job on the local mini-cluster: candidates from a file, alerts and dead letters to files."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from jobs import alert
from jobs.flink import tables
from jobs.flink.sql_files import NAME, SQL
from tests.infra.test_schemas import schema
from tests.udfs.test_lifecycle import ARCS, context, minute, outputs, reading, silence, time, window

OTHER = "장치-2"
SITE = {"subject": "dev-1", "subject_kind": "SITE"}
"""The id of a site, which equals that of a device."""
GARBAGE = [b"rub\xffbish", b'{"kind": "CANDIDATE"}', b"[1]",
           json.dumps(reading(70, subject="dev-\ud800")).encode(), json.dumps(reading(70, level="SEVERE")).encode()]


@pytest.fixture(scope="module")
def candidates() -> list[dict[str, Any]]:
    return [
        reading(5), reading(7, ARCS), reading(9, level="CRITICAL"), reading(8, subject=OTHER, site_id=None),
        *(minute(number) for number in range(6)), minute(0) | {"subject": OTHER}, reading(400), reading(5),
        context(8), *(minute(number) for number in range(6, 15)), reading(1301), reading(1310), minute(21), reading(2300),
        window(2, "SITE_CLUSTER", "site_risk", devices=3, devices_high=2, **SITE), minute(2) | SITE,
        silence(100, subject="dev-3"), reading(9, subject="dev-4", is_held=True),
        minute(6) | {"subject": "dev-3"}, minute(10) | {"subject": "dev-4"},
    ]  # fmt: skip


@pytest.fixture(scope="module")
def results(candidates: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs the job once for all tests of this module; returns the folder of its output."""
    folder = tmp_path_factory.mktemp("alert")
    good = [json.dumps(row, ensure_ascii=False).encode() for row in candidates]
    lines = good[:2] + GARBAGE + good[2:]
    (folder / "candidates.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    file = str(folder / "candidates.jsonl")
    settings = Settings(source="file", file_input=file, file_output=str(folder), parallelism=2)
    alert.start(settings).wait()
    return folder


def rows(folder: Path) -> list[dict[str, Any]]:
    parts = sorted(part for part in folder.iterdir() if part.is_file())
    return [json.loads(line) for part in parts for line in part.read_text(encoding="utf-8").splitlines()]


def test_job_writes_exactly_what_the_life_cycle_returns(candidates: list[dict[str, Any]], results: Path) -> None:
    written, updates = rows(results / "alerts"), rows(results / "alert_state")
    lives = list(dict.fromkeys((row["subject_kind"], row["subject"]) for row in candidates))
    expected = {life: outputs(row for row in candidates if (row["subject_kind"], row["subject"]) == life) for life in lives}
    for life in lives:
        assert of(life, written) == [row for row in expected[life] if row["transition"]]
        assert of(life, updates) == [row for row in expected[life] if not row["transition"]]
    assert len(written) + len(updates) == sum(map(len, expected.values()))
    assert {row["transition"] for row in written} == {"OPENED", "ESCALATED", "REMINDED", "CLEARED"}
    assert len(updates) > 0


def of(life: tuple[str, str], written: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in written if (row["subject_kind"], row["subject"]) == life]


def test_site_and_device_with_the_same_id_have_separate_alerts(results: Path) -> None:
    (cluster,) = of(("SITE", "dev-1"), rows(results / "alerts"))
    assert (cluster["alert_type"], cluster["transition"], cluster["candidate_count"]) == ("SITE_CLUSTER", "OPENED", 1)


def test_record_that_is_not_a_candidate_becomes_a_dead_letter_with_its_bytes_and_a_reason(results: Path) -> None:
    letters = rows(results / "dead_letters")
    assert sorted(base64.b64decode(letter["message"]) for letter in letters) == sorted(GARBAGE)
    reasons = {base64.b64decode(letter["message"]): letter["reason"] for letter in letters}
    expected = ["candidate is not JSON", "subject must be", "candidate must be a JSON object", "subject must be",
                "level must be MEDIUM, HIGH or CRITICAL"]
    for message, beginning in zip(GARBAGE, expected, strict=True):
        assert reasons[message].startswith(beginning)
    for letter in letters:
        assert (letter["schema_version"], letter["record_time"]) == (1, None)
        assert letter["source"].endswith("candidates.jsonl")
        assert letter.keys() == set(schema("dead-letters")["required"])


def test_every_name_in_the_sql_comes_from_the_settings() -> None:
    templates = [file.read_text(encoding="utf-8") for file in (SQL / "alert").rglob("*.sql")]
    for place in ("file", "kafka", "kinesis"):
        templates += [*tables.alert_sinks(place, place), *tables.alert_inserts(place, place)]
    assert {name for template in templates for name in NAME.findall(template)} == set(alert.substitutions(Settings()))


def test_topics_group_and_transactions_follow_the_settings() -> None:
    names = alert.substitutions(Settings(topic_prefix="plant-a.", consumer_group="plant-a", alert_delivery="exactly-once"))
    assert names["TOPIC_PREFIX"] == "plant-a."
    assert names["CONSUMER_GROUP"] == "plant-a-alert"
    assert names["ALERT_DELIVERY"] == "exactly-once"
    assert names["ALERT_TRANSACTIONS"] == "plant-a-alerts"


def test_escalated_alert_of_the_job_has_the_time_of_its_candidate(results: Path) -> None:
    (escalated,) = [row for row in rows(results / "alerts") if row["transition"] == "ESCALATED"]
    assert (escalated["event_time"], escalated["level"]) == (time(9), "CRITICAL")
