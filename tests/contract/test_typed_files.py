"""What is rendered equals the files that it replaces: columns, types, their order, keys, options and what an INSERT names."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from contract import render_flink, render_store
from contract.model import CONTRACT, Result
from jobs.flink.sql_files import SQL

DETECT = CONTRACT.written_by("detect")
REORDERED = {"candidates", "alerts", "alert_transitions", "window_results"}
"""Columns of these follow the order of the contract now; nothing reads them by position."""
GROUPS = {"window_results": "derived"}


class Shape(NamedTuple):
    columns: list[tuple[str, str]]
    key: str
    options: dict[str, str]


def typed(path: str) -> str:
    return "\n".join(line for line in (SQL / path).read_text(encoding="utf-8").splitlines() if not line.startswith("--"))


def shape(sql: str) -> Shape:
    body = sql.partition("CREATE")[2]
    before, _, options = body.rpartition("WITH (")
    columns = re.findall(r"(?m)^  (`?\w+`?) +([A-Z].*?),?$", before or body)
    key = re.search(r"PRIMARY KEY \((.*?)\)", body)
    return Shape([(name, kind) for name, kind in columns if name != "PRIMARY"], key[1] if key else "",
                 dict(re.findall(r"'(.*?)' = '(.*?)',?$", options, re.M)))


def inserted(sql: str) -> list[str]:
    return re.findall(r"`?\w+`?", re.search(r"INSERT INTO \w+ \((.*?)\)", sql, re.S)[1])  # type: ignore[index]


@pytest.mark.parametrize("result", DETECT, ids=lambda result: result.name)
@pytest.mark.parametrize("connector", ["kafka", "kinesis", "file"])
def test_sink_of_detect(result: Result, connector: str) -> None:
    rendered, columns = shape(render_flink.sink(result, connector)), shape(typed(f"detect/columns/{result.name}_columns.sql"))
    expected = [(name, "BIGINT" if name == "total_alarm_count" else kind) for name, kind in columns.columns]
    assert (sorted if result.name in REORDERED else list)(rendered.columns) == \
        (sorted if result.name in REORDERED else list)(expected)
    template = typed(f"detect/sinks/{connector}.sql").replace("${RESULT}", result.name).replace("${KEY}", result.partition_by)
    assert rendered.options == shape(template.replace("${TOPIC}", render_flink.topic(result.topic)).replace(
        " LIKE", "\n")).options


@pytest.mark.parametrize("result", [result for result in DETECT if result.name != "candidates"], ids=lambda result: result.name)
def test_insert_of_detect(result: Result) -> None:
    rendered, old = render_flink.result_insert(result), typed(f"detect/inserts/{result.name}.sql")
    assert inserted(rendered) == inserted(old)
    assert re.findall(r"(?m)(`?\w+`?),?$", rendered.partition("SELECT\n")[2].partition("\nFROM")[0]) == inserted(old)
    assert rendered.partition("\nFROM ")[2] == old.partition("\nFROM ")[2]


@pytest.mark.parametrize("file", sorted((SQL / "detect/inserts_candidates").glob("*.sql")), ids=lambda file: file.stem)
def test_insert_of_candidates(file: object) -> None:
    old = inserted(typed(f"detect/inserts_candidates/{getattr(file, 'name', '')}"))
    given = [name.strip("`") for name in old]
    given = [name for name in given if name not in ("schema_version", "kind", "subject_kind", "is_late", "is_held")]
    assert set(inserted(render_flink.view_insert(CONTRACT.result("candidates"), "x", given))) == set(old)


@pytest.mark.parametrize("name", CONTRACT.stored())
@pytest.mark.parametrize("connector", ["kafka", "file"])
def test_source_of_the_store(name: str, connector: str) -> None:
    results, file = CONTRACT.stored()[name], GROUPS.get(name, name)
    rendered = shape(render_store.source(name, results, connector))
    old = shape(typed(f"store/1_sources/{connector}/{file}_in.sql"))
    new = [column for column in rendered.columns if column[0] != "result_name" and "MD5" not in column[1]]
    before = [column for column in old.columns if column[0] != "kind" and "MD5" not in column[1]]
    assert (sorted(new) == sorted(before)) if name in REORDERED else (new == before)
    varying = {"topic", "source.path.regex-pattern", "properties.group.id"}
    assert {key: value for key, value in rendered.options.items() if key not in varying} == \
        {key: value for key, value in old.options.items() if key not in varying}
    assert rendered.options.keys() == old.options.keys()


@pytest.mark.parametrize("table", [table for result in CONTRACT.results for table in result.tables], ids=lambda table: table.name)
def test_table_and_insert_of_the_store(table: render_store.Table) -> None:
    rendered, old = shape(render_store.postgres_table(table)), shape(typed(f"store/3_sinks/{table.name}_out.sql"))
    assert (sorted if table.name in REORDERED else list)(rendered.columns) == \
        (sorted if table.name in REORDERED else list)(old.columns)
    assert rendered[1:] == old[1:]
    name, results = next((name, results) for name, results in CONTRACT.stored().items()
                         if any(table in result.tables for result in results))
    insert, before = render_store.postgres_insert(table, name, results), typed(f"store/4_inserts/{table.name}_out.sql")
    assert sorted(inserted(insert)) == sorted(inserted(before))
    assert re.findall(r"`?\w+`?", insert.partition("SELECT")[2].partition("FROM")[0]) == inserted(insert)


@pytest.mark.parametrize("name", CONTRACT.stored())
def test_checks_of_the_store(name: str) -> None:
    """Every sentence that was said is said, and every column is checked or cleaned in the same way."""
    rendered = render_store.checked(name, CONTRACT.stored()[name])
    old = typed(f"store/2_views/{GROUPS.get(name, name)}_checked.sql")
    cleaned = re.compile(r"(?s)(?:CASE WHEN|REPLACE|LEFT\()(?:(?!\n  CASE\n).)*? AS (`?\w+`?),")
    assert set(cleaned.findall(rendered)) == set(cleaned.findall(old)) - {"subject_kind"}
    said = {word for sentence in re.findall(r"THEN '(.*?)'", old) for word in re.findall(r"\w*_\w+|idx", sentence)}
    assert said <= set(re.findall(r"THEN '(\w+) must be", rendered))


def test_archive() -> None:
    readings = CONTRACT.result("readings")
    assert shape(render_store.archive_table(readings)) == shape(typed("archive/1_sinks/readings_archive.sql"))
    new, old = render_store.archive_insert(readings), typed("archive/2_inserts/readings_archive.sql")
    squeezed = [re.sub(r"\s+", " ", part.partition("SELECT")[2]).replace(" AS TIMESTAMP(3)) AS event_time", " AS TIMESTAMP(3))")
                for part in (new, old)]
    assert squeezed[0] == squeezed[1]


def test_refusals() -> None:
    assert shape(render_store.postgres_table(render_store.REFUSALS)) == shape(typed("store/3_sinks/store_refusals_out.sql"))
    assert sorted(render_store.unstorable(CONTRACT.stored()).replace("window_results", "derived").splitlines()) == \
        sorted((SQL / "store/2_views/unstorable.sql").read_text(encoding="utf-8").rstrip().splitlines())


@pytest.mark.parametrize("connector", ["kafka", "kinesis", "file"])
@pytest.mark.parametrize("name", ["alerts", "alert_state", "dead_letters"])
def test_messages_of_the_alert_job(name: str, connector: str) -> None:
    result, keyed = CONTRACT.result(name), name != "dead_letters"
    folder = "3_sinks" if keyed else "3_dead_letters"
    rendered = shape(render_flink.message_sink(result, connector, keyed=keyed))
    old = shape(typed(f"alert/{folder}/{connector}/{name}.sql"))
    old.options.update({key: value.replace("${ALERTS_TOPIC}", "${TOPIC_PREFIX}alerts").replace(
        "${ALERT_STATE_TOPIC}", "${TOPIC_PREFIX}alert-state").replace("${DEAD_LETTERS_TOPIC}", "${TOPIC_PREFIX}dead-letters")
        for key, value in old.options.items()})
    assert rendered.options == old.options
    assert [kind for _, kind in rendered.columns] == [kind for _, kind in old.columns]


def test_shapes_are_not_empty() -> None:
    found = shape(typed("detect/columns/readings_columns.sql")), shape(render_flink.sink(CONTRACT.result("readings"), "kafka"))
    assert [len(each.columns) for each in found] == [42, 42]
    assert len(shape(typed("store/1_sources/kafka/readings_in.sql")).options) == 9 == len(
        shape(render_store.source("readings", CONTRACT.stored()["readings"], "kafka")).options)
    assert len(shape(typed("alert/3_sinks/kafka/alerts.sql")).options) == 11
    assert len(inserted(typed("detect/inserts/readings.sql"))) == 42
