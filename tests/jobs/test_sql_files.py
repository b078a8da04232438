"""SQL files: one statement each, every name given, every view leading to a result."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.settings import Settings
from jobs import detect
from jobs.flink.literals import text
from jobs.flink.sql_files import SQL, VIEW, PipelineError, expression, files, statement

FILES = sorted(SQL.rglob("*.sql"))


def test_missing_names_are_reported_all_at_once_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    file.write_text("CREATE TABLE ${B} WITH ('x' = '${A}', 'y' = '${GIVEN}')")
    with pytest.raises(PipelineError, match=r"t\.sql needs \$\{A\}, \$\{B\}, which the job does not give"):
        statement(file, {"GIVEN": "1"})


def test_folder_without_sql_is_an_error() -> None:
    with pytest.raises(PipelineError, match=r"sql/detect/nowhere holds no \.sql file"):
        files(["detect/nowhere"])


def test_quote_in_a_setting_cannot_end_its_literal(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    file.write_text("WITH ('x' = '${A}')")
    assert statement(file, {"A": text("it's")}) == "WITH ('x' = 'it''s')"


def test_expression_comes_without_its_comments() -> None:
    assert expression("detect/message_time.sql").startswith("CASE")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SQL)))
def test_file_holds_one_statement_under_a_question(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    code = "\n".join(line for line in source.splitlines() if not line.startswith("--"))
    assert source.startswith(("-- ", "INSERT")), "a header says what the file answers"
    assert len(re.findall(r"\b(?:CREATE|INSERT INTO)\b", code)) <= 1
    assert ";" not in re.sub(r"'[^']*'", "", code).strip().rstrip(";")


@pytest.mark.parametrize("file", [file for file in FILES if " VIEW " in file.read_text(encoding="utf-8")], ids=str)
def test_view_is_recognised_as_one_and_so_read_once(file: Path) -> None:
    view = VIEW.match(file.read_text(encoding="utf-8"))
    assert view
    assert view[1] == file.stem
    assert file.read_text(encoding="utf-8")[view.end():].startswith("SELECT")


@pytest.mark.parametrize("job", ["detect", "alert", "store"])
def test_every_name_declared_is_used(job: str) -> None:
    """A view that nothing reads is a mistake: `FROM` the wrong near-twin."""
    sources = {file: file.read_text(encoding="utf-8") for file in (SQL / job).rglob("*.sql")}
    for file, source in sources.items():
        declared = re.search(r"CREATE (?:TEMPORARY )?(?:VIEW|TABLE) `?(\w+)`?", source)
        if declared:
            readers = [other for other, body in sources.items() if other != file and re.search(rf"\b{declared[1]}\b", body)]
            in_python = declared[1] in Path(detect.__file__).with_name(f"{job}.py").read_text(encoding="utf-8")
            assert readers or in_python or declared[1].endswith("_columns"), f"{file.name}: nothing reads {declared[1]}"


@pytest.mark.parametrize("result", [result for result in detect.RESULTS if result != "candidates"])
def test_result_has_columns_and_an_insert_that_names_them_in_order(result: str) -> None:
    columns = (SQL / "detect/columns" / f"{result}_columns.sql").read_text(encoding="utf-8")
    insert = (SQL / "detect/inserts" / f"{result}.sql").read_text(encoding="utf-8")
    declared = re.findall(r"^  (`?\w+`?) ", columns, re.M)
    named, selected = (re.findall(r"^  (`?\w+`?),?$", part, re.M) for part in insert.split("SELECT"))
    assert declared == named == selected


@pytest.mark.parametrize("file", sorted((SQL / "detect/inserts_candidates").glob("*.sql")), ids=lambda file: file.stem)
def test_candidates_are_inserted_by_name_and_say_what_every_one_must(file: Path) -> None:
    columns = (SQL / "detect/columns/candidates_columns.sql").read_text(encoding="utf-8")
    declared = set(re.findall(r"^  (`?\w+`?) ", columns, re.M))
    inserted, selected = file.read_text(encoding="utf-8").split("\nSELECT\n")
    named = re.findall(r"^  (`?\w+`?),?$", inserted, re.M)
    given = re.findall(r"(?:^  | AS )(`?\w+`?),?$", selected, re.M)
    assert set(named) <= declared
    assert named == given
    assert {"schema_version", "kind", "subject_kind", "subject", "event_time", "is_late", "is_held"} <= set(named)


def test_sources_declare_the_same_shape() -> None:
    shapes = {}
    for connector in ("kafka", "kinesis", "file"):
        body = (SQL / f"detect/1_sources/{connector}/telemetry_raw.sql").read_text(encoding="utf-8")
        shapes[connector] = set(re.findall(r"^  (\w+) +(?:BYTES|STRING|TIMESTAMP|AS)", body, re.M)) - {"topic"}
    assert shapes["kafka"] == shapes["kinesis"] == shapes["file"]


def test_job_gives_every_name_its_files_ask_for() -> None:
    names = detect.names(Settings())
    sink = detect.sinks(Settings())[0]
    for file in (SQL / "detect").rglob("*.sql"):
        statement(file, names | (sink if file.parent.name == "sinks" else {}))
