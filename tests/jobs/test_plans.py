"""A job whose plan is kept is not planned again, and gives the same rows."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from commands.cluster import submit
from commands.replay.replay import local_configuration
from core.settings import Settings
from jobs import detect
from jobs.flink import plans
from jobs.flink.environment import table_environment
from jobs.flink.plans import Plans
from jobs.flink.script import Script
from tests.conftest import Rows, message, rows

VIEWS = ("dead_letters", "device_5min_aggregates")
"""Views of which one needs the Python function and one a window."""
PLANNING = "planning detect, whose plan is kept for the next submission"
PLAN = {"nodes": [{"id": 58, "type": "source"}, {"id": 60, "type": "sink"}], "edges": [{"source": 58, "target": 60}]}
NUMBERED = {"nodes": [{"id": 1, "type": "source"}, {"id": 2, "type": "sink"}], "edges": [{"source": 1, "target": 2}]}


@dataclass(frozen=True)
class Part:
    """A part of the detect job over a file, its folder, and the sentences that its plans report."""

    folder: Path
    reported: list[str] = field(default_factory=list)

    def run(self) -> Rows:
        """Submits the part and returns the rows that it writes."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        detect.start(self.settings(), local_configuration(), VIEWS, Plans(self.folder / "plans", self.reported.append)).wait()
        parts = [file for file in (self.folder / "out").rglob("*") if file.is_file() and file.stat().st_size]
        return sorted((row for part in parts for row in rows(part)), key=json.dumps)

    def settings(self) -> Settings:
        """Returns the settings of the part."""
        return Settings(source="file", file_input=str(self.folder / "in.jsonl"), file_output=str(self.folder / "out"),
                        parallelism=1)

    def kept(self) -> Path:
        """Returns the only file of a plan."""
        (file,) = (self.folder / "plans").iterdir()
        return file


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Part:
    folder = tmp_path_factory.mktemp("plans")
    lines = [*(message(idx=n, at=30 * n) for n in range(21)), b"rubbish"]
    (folder / "in.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    return Part(folder)


@pytest.fixture(scope="module")
def first(part: Part) -> Rows:
    """The rows of the first submission, which also keeps the plan."""
    return part.run()


def test_second_submission_writes_the_same_rows_without_planning(
        first: Rows, part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"reason", "window_end"} <= {name for row in first for name in row}, "both views must write"
    plan = part.kept().read_text()
    monkeypatch.setattr(Script, "statement_set", forbidden)
    assert part.run() == first
    assert part.kept().read_text() == plan and part.reported == [PLANNING]


def forbidden(*_: Any) -> None:
    raise AssertionError("the job was planned although its plan was kept")


def test_broken_plan_is_reported_and_replaced_by_the_same_plan(first: Rows, part: Part) -> None:
    """The same plan has the same ids of operators, so that a savepoint can be restored with or without a kept plan."""
    plan = part.kept().read_text()
    part.kept().write_text(plan[:1000])
    assert part.run() == first
    assert part.kept().read_text() == plan
    sentence, planning = part.reported[-2:]
    assert str(part.kept()) in sentence and "could not be loaded" in sentence and planning == PLANNING


def key(settings: Settings, *addresses: str, **configuration: str) -> str:
    options = local_configuration() | {name.replace("_", "."): value for name, value in configuration.items()}
    t_env = table_environment(settings, "detect", detect.options(settings) | options)
    return plans.key(t_env, detect.script(settings), addresses)


def test_key_changes_with_a_setting_and_an_option_but_not_with_the_address_of_the_cluster() -> None:
    usual = Settings()
    changed = [key(each) for each in (usual, replace(usual, lateness_seconds=usual.lateness_seconds + 1),
                                      replace(usual, deduplicate_minutes=usual.deduplicate_minutes + 1))]
    assert len({*changed, key(usual, table_optimizer_reuse="x")}) == 4
    assert key(usual, rest_address="192.0.2.1") == changed[0]


def test_key_does_not_change_with_the_brokers() -> None:
    """Each start of a stack may choose other ports, which a plan does not contain."""
    keys = [key(Settings(kafka_brokers=each), each) for each in ("127.0.0.1:9092", "127.0.0.1:9094")]
    assert keys[0] == keys[1] != key(Settings(kafka_brokers="127.0.0.1:9092"))


def test_key_changes_with_the_functions_and_with_the_version_of_flink(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usual = key(Settings())
    with monkeypatch.context() as patch:
        patch.setattr(plans, "__version__", "0")
        other_version = key(Settings())
    monkeypatch.setattr(plans, "ROOT", tmp_path)
    without = key(Settings())
    (tmp_path / "udfs").mkdir()
    (tmp_path / "udfs" / "Function.java").write_text("class Function {}")
    assert len({usual, other_version, without, key(Settings())}) == 4


def test_numbers_of_operators_do_not_depend_on_what_the_client_planned_before() -> None:
    assert json.loads(plans.numbered(json.dumps(PLAN))) == NUMBERED == json.loads(plans.numbered(json.dumps(NUMBERED)))


def test_only_the_newest_plans_of_a_job_are_kept(tmp_path: Path) -> None:
    plans._keep(tmp_path / "store-a.json", "{}")
    for number in range(plans.KEPT + 1):
        plans._keep(tmp_path / f"detect-{number}.json", "{}")
    assert len(list(tmp_path.glob("detect-*"))) == plans.KEPT and not (tmp_path / "detect-0.json").exists()
    assert (tmp_path / "store-a.json").exists()


@pytest.mark.parametrize("login", [{"kafka_security": "scram", "kafka_user": "u", "kafka_password": "p"},
                                   {"postgres_secret_arn": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}])
def test_job_with_a_password_in_its_sql_leaves_no_file(login: dict[str, str]) -> None:
    assert submit._plans(Settings(**login), print).folder is None  # type: ignore[arg-type]
    assert submit._plans(Settings(home="here"), print).folder == Path("here/plans")


def test_plan_contains_no_option_of_a_table(first: Rows, part: Part) -> None:
    """Addresses and logins are options, as the folder of a file's table is."""
    assert first and str(part.folder) in str(detect.script(part.settings()))
    assert str(part.folder) not in part.kept().read_text()
