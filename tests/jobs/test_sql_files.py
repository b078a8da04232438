"""SQL files have one statement each, a value for every `${NAME}`, and only views that lead to a result."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.crossing import reading_columns
from contract.declared import CONTRACT
from contract.model import Result
from core.settings import Settings
from jobs import alert, archive, detect, store
from jobs.flink.java_functions import FIRST_ARRIVALS
from jobs.flink.literals import literal
from jobs.flink.sql_files import SQL, VARIANTS, VIEW, PipelineError, Statement, files, message_time, statement
from jobs.flink.tables import CANDIDATES

FILES = sorted(SQL.rglob("*.sql"))


def test_names_without_a_value_are_reported_all_at_once_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    file.write_text("CREATE TABLE ${B} WITH ('x' = '${A}', 'y' = '${GIVEN}')")
    with pytest.raises(PipelineError, match=r"t\.sql needs \$\{A\}, \$\{B\}, for which the job has no value"):
        statement(file, {"GIVEN": "1"})


def test_job_without_sql_is_an_error() -> None:
    with pytest.raises(PipelineError, match=r"sql/nowhere contains no folder with \.sql files"):
        files("nowhere")


def test_files_come_in_the_order_of_their_folders_and_of_variants_only_the_chosen_one() -> None:
    chosen = [file.relative_to(SQL / "detect") for file in files("detect", ("kafka", "keep_all"))]
    assert [str(file) for file in chosen[:5]] == [
        "01_telemetry/kafka.sql", "02_decoded/decoded.sql", "03_scored/refused.sql", "03_scored/scored.sql",
        "04_distinct/keep_all.sql"]
    assert chosen == sorted(chosen)


VIEW_OF = "CREATE TEMPORARY VIEW v AS\nSELECT\n  {}\nFROM t\nWHERE a > 0"


def test_columns_of_a_view_are_those_that_its_select_names() -> None:
    items = "a,\n  b.c AS d, `e`,\n  -- a comment, with a comma\n  CAST(f AS DOUBLE) / SUM(g, h) AS `i`, '(x)' AS j"
    assert Statement("v.sql", VIEW_OF.format(items)).columns() == ("a", "d", "e", "i", "j")


@pytest.mark.parametrize("items", ["*", "a, b + 1", "a, t.*"])
def test_view_that_does_not_name_its_columns_is_an_error(items: str) -> None:
    with pytest.raises(PipelineError, match=r"v\.sql must name each of its columns"):
        Statement("v.sql", VIEW_OF.format(items)).columns()


def test_quote_in_a_setting_cannot_end_its_literal(tmp_path: Path) -> None:
    file = tmp_path / "t.sql"
    file.write_text("WITH ('x' = '${A}')")
    assert statement(file, {"A": literal("it's")}) == "WITH ('x' = 'it''s')"


def test_expression_comes_without_its_comments() -> None:
    assert message_time().startswith("CASE")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SQL)))
def test_file_holds_one_statement_under_a_question(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    code = "\n".join(line for line in source.splitlines() if not line.startswith("--"))
    assert source.startswith("-- "), "a header says what the file answers"
    assert len(re.findall(r"\bCREATE\b", code)) <= 1
    assert ";" not in re.sub(r"'[^']*'", "", code).strip().rstrip(";")


@pytest.mark.parametrize("file", [file for file in FILES if " VIEW " in file.read_text(encoding="utf-8")], ids=str)
def test_view_is_recognised_as_one_and_so_read_once(file: Path) -> None:
    view = VIEW.match(file.read_text(encoding="utf-8"))
    assert view
    assert view[1] == file.stem or file.stem in VARIANTS
    assert file.read_text(encoding="utf-8")[view.end():].startswith("SELECT")


SCRIPTS = {job.__name__: job.script(replace(Settings(), archive="/archive")) for job in (detect, alert, store, archive)}
IN_PYTHON = {"jobs.alert": "candidate_by_subject"}
"""Job → the view that it reads in Python instead of SQL."""


@pytest.mark.parametrize("job", SCRIPTS)
def test_everything_declared_is_used(job: str) -> None:
    """A view that nothing reads shows a mistake, such as a `FROM` with a similar name."""
    statements = (*SCRIPTS[job].declarations, *SCRIPTS[job].inserts)
    for each in SCRIPTS[job].declarations:
        name = re.findall(r"CREATE TEMPORARY (?:VIEW|TABLE) (\w+)", each.sql)[0]
        readers = [other for other in statements if other is not each and re.search(rf"\b{name}\b", other.sql)]
        assert readers or IN_PYTHON.get(job) == name, f"{each.origin}: nothing reads {name}"


@pytest.mark.parametrize("result", [result for result in CONTRACT.written_by("detect") if result.name != CANDIDATES],
                         ids=lambda result: result.name)
def test_view_of_a_result_has_its_columns(result: Result) -> None:
    view = next(each for each in SCRIPTS["jobs.detect"].declarations if each.view == result.name)
    if result.name != "readings":  # which hands on all of scored
        assert set(view.columns()) == {column.name for column in result.columns} - {"schema_version"}


def test_every_column_that_crosses_from_python_is_read_by_a_view_or_the_function_in_java() -> None:
    queries = [each.query for each in SCRIPTS["jobs.detect"].declarations if each.view not in ("", "decoded", "scored")]
    readers = [*queries, FIRST_ARRIVALS.read_text(encoding="utf-8")]
    for column in reading_columns(CONTRACT, "kafka"):
        assert any(re.search(rf"\b{column.name}\b", reader) for reader in readers) or column.name == "payload", (
            f"no view reads {column.name}; remove its in_views")


def test_views_of_candidates_have_only_columns_of_candidates_and_the_required_ones() -> None:
    known = {column.name for column in CONTRACT.result(CANDIDATES).columns}
    of_kinesis = detect.script(Settings(results="kinesis", kinesis_streams="arn:aws:kinesis:eu-west-1:123456789012:stream/"))
    views = [each for each in of_kinesis.declarations if each.stage == CANDIDATES]
    assert len(views) == 17
    for view in views:
        assert {"subject", "site_id", "event_time", "held_until"} <= set(view.columns()) <= known, view.origin


def test_sources_declare_the_same_columns() -> None:
    shapes = {}
    for connector in ("kafka", "kinesis", "file"):
        body = (SQL / f"detect/01_telemetry/{connector}.sql").read_text(encoding="utf-8")
        shapes[connector] = set(re.findall(r"^  (\w+) +(?:BYTES|STRING|TIMESTAMP|AS)", body, re.M)) - {"topic"}
    assert shapes["kafka"] == shapes["kinesis"] == shapes["file"]


@pytest.mark.parametrize("job", [detect, alert], ids=["detect", "alert"])
def test_job_has_a_value_for_every_name_in_its_files(job: Any) -> None:
    names = job.substitutions(Settings())
    for file in (SQL / job.__name__.removeprefix("jobs.")).rglob("*.sql"):
        if file.parent.name != "detect":  # expressions, which other files take in
            assert statement(file, names)


def test_script_shows_every_statement_below_its_origin() -> None:
    shown = str(SCRIPTS["jobs.archive"])
    assert re.findall(r"(?m)^-- \[(.*)\]$", shown) == [
        "contract/, CREATE TEMPORARY TABLE readings_in", "sql/archive/01_readings/archived_readings.sql",
        "contract/, CREATE TEMPORARY TABLE readings_archive", "contract/, INSERT INTO readings_archive"]
    assert shown.count(";\n") == 4 and "${" not in shown and "\n\n\n" not in shown
