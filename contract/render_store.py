"""Flink SQL of the jobs that read results: sources, checks and tables of the store, and the archive.

A result is checked by the types of its columns. Postgres refuses a whole batch for one text with a NUL, one impossible time
or one key that is too long for an index, again and again; so whatever it could refuse becomes a fault here, which is stored in
`store_refusals` and never stops the job. A measurement of a wrong type was read as null by the source. An id is bounded in
bytes: it is checked in ISO-8859-1, where each of its bytes in UTF-8 is a character. JSON_QUERY writes a list as every parser
takes it, because the parser of Flink accepts more than that of Postgres.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from contract.identifiers import LONGEST_BYTES
from contract.model import Column, Result, Table
from contract.render_flink import FILES, KAFKA, TYPES, Options, comment, declared, insert, listed, quoted, table, topic

READ_TYPES = TYPES | {"words": "STRING", "bytes": "STRING"}
"""As the sources read them: lists and objects become their JSON text, times stay text."""
JSON = {"format": "json", "json.ignore-parse-errors": "true", "json.decode.json-parser.enabled": "false"}
POSITION = "CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING))"
POSITION_COLUMNS = (("topic", "STRING METADATA VIRTUAL"), ("partition", "INT METADATA VIRTUAL"),
                    ("offset", "BIGINT METADATA VIRTUAL"))
PATTERNS = {"id": ("NAME", f"must be 1 to {LONGEST_BYTES} bytes in UTF-8 without control characters"),
            "word": ("WORD", "must be a word in capital letters"), "bytes": ("BASE64", "must be base64")}
"""Type of a column → the name of the pattern that its texts have, and the rule as a sentence."""
LARGEST = repr(sys.float_info.max)
"""The largest number that is finite."""
NO_TIME = "must be a time like 2025-10-09T09:00:00.959Z"
ABSENT = {"text": "must be a text", "flag": "must be true or false", "json": "must be a list", "words": "must be a list",
          "name": "must be a text"}
"""What is said of a required column that is null; numbers are said to be numbers."""
REFUSALS = Table("store_refusals", ("source",), (Column("source", "id"), Column("topic", "id"), Column("reason", "text")))


def position_of(results: Sequence[Result]) -> str:
    """The column that says where a row was read; `source`, unless the rows have a column of that name themselves."""
    return "position" if any(column.name == "source" for column in _columns(results)) else "source"


def _columns(results: Sequence[Result]) -> tuple[Column, ...]:
    """The columns of all results, those of their keys first."""
    columns = {column.name: column for result in results for column in result.columns}
    keys = dict.fromkeys(name for result in results for name in result.key)
    return (*(columns[name] for name in keys), *(column for name, column in columns.items() if name not in keys))


def source(name: str, results: Sequence[Result], connector: str) -> str:
    """The table `NAME_in`: one row per message of the results' topics; a message that is no JSON gives none."""
    columns = [(column.name, READ_TYPES[column.type]) for column in _columns(results)]
    more = _kafka_columns(results) if connector == "kafka" else _file_columns(results)
    options = _kafka_source(results) if connector == "kafka" else _file_source(results)
    return table(f"{name}_in", declared([*columns, *more]), options, f"One row per message of {_topics(results)}, as it says.")


def _topics(results: Sequence[Result]) -> str:
    return ", ".join(result.topic for result in results)


def _kafka_columns(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    yield from POSITION_COLUMNS
    if len(results) > 1:
        yield "result_name", "AS REPLACE(SUBSTRING(topic FROM CHAR_LENGTH('${TOPIC_PREFIX}') + 1), '-', '_')"
    yield position_of(results), f"AS {POSITION}"


def _file_columns(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """A line of a file has no offset, so it is named by a digest of its key."""
    digest = f"MD5(CONCAT_WS('|', {', '.join(_text_of(column) for column in _identifying(results))}))"
    if len(results) == 1:
        yield "topic", f"AS '{results[0].topic}'"
        yield position_of(results), f"AS CONCAT('{results[0].topic}#', {digest})"
    else:
        yield "topic", "STRING METADATA FROM 'file.name' VIRTUAL"
        yield "result_name", "AS REPLACE(topic, '.jsonl', '')"
        yield position_of(results), f"AS CONCAT(topic, '#', {digest})"


def _identifying(results: Sequence[Result]) -> Iterator[Column]:
    """The columns that tell rows apart: those of their keys, or all of rows whose key is itself the position of a message."""
    keys = {name for result in results for name in result.key}
    return (column for column in _columns(results) if column.name in keys
            or (position_of(results) == "position" and column.type != "version"))


def _text_of(column: Column) -> str:
    return column.name if READ_TYPES[column.type] == "STRING" else f"CAST({column.name} AS STRING)"


def _kafka_source(results: Sequence[Result]) -> Options:
    committed = {"properties.isolation.level": "read_committed"} if any(each.is_transactional for each in results) else {}
    return _consumer(results, "${CONSUMER_GROUP}") | committed | _from_group() | JSON


def _consumer(results: Sequence[Result], group: str) -> dict[str, str]:
    return KAFKA | {"topic": ";".join(topic(result.topic) for result in results), "properties.group.id": group}


def _from_group() -> dict[str, str]:
    return {"properties.auto.offset.reset": "earliest", "scan.startup.mode": "group-offsets"}


def _file_source(results: Sequence[Result]) -> Options:
    if len(results) == 1:
        return FILES | {"path": f"${{FILE_INPUT}}/{results[0].name}.jsonl"} | JSON
    names = "|".join(result.name for result in results)
    return FILES | {"path": "${FILE_INPUT}", "source.path.regex-pattern": f".*/({names})[.]jsonl"} | JSON


def raw_source(results: Sequence[Result], connector: str) -> str:
    """The table `raw_in`: every message of every result, untouched, to find those that the other sources pass over."""
    if connector == "kafka":
        columns = [("message", "BYTES"), *POSITION_COLUMNS, ("source", f"AS {POSITION}")]
        options = (_consumer(results, "${RAW_GROUP}") | {"properties.isolation.level": "read_committed"} | _from_group()
                   | {"format": "raw"})
    else:
        columns = [("message", "BYTES"), ("topic", "STRING METADATA FROM 'file.name' VIRTUAL"),
                   ("source", "AS CONCAT(topic, '#', MD5(DECODE(message, 'UTF-8')))")]
        options = FILES | {"path": "${FILE_INPUT}", "format": "raw"}
    return table("raw_in", declared(columns), options, "Every message of every result, as bytes.")


def checked(name: str, results: Sequence[Result]) -> str:
    """The view `NAME_checked`: the rows of a source, and as `fault` why one cannot be stored; null means it can."""
    columns = _columns(results)
    plain = [quoted(column.name) for column in columns if not _cleaned(column)]
    cleaned = [f"  {_cleaned(column)} AS {quoted(column.name)},\n" for column in columns if _cleaned(column)]
    origin = ["topic", quoted(position_of(results)), *(["result_name"] if len(results) > 1 else [])]
    faults = "\n".join(f"    WHEN {condition}\n      THEN '{sentence}'" for condition, sentence in _faults(columns, results))
    header = comment(f"Which rows of {name}_in can be stored? fault says why one can not, null means it can.")
    return (f"{header}\nCREATE TEMPORARY VIEW {name}_checked AS\nSELECT\n"
            f"{listed(plain)},\n{''.join(cleaned)}{listed(origin)},\n  CASE\n{faults}\n  END AS fault\nFROM {name}_in")


def _cleaned(column: Column) -> str:
    """What is stored of a column that is not worth a row: nothing where it cannot be used; empty where a column goes as it is."""
    name = quoted(column.name)
    if column.type == "name":
        return f"CASE WHEN REGEXP({_bytes(name)}, '${{NAME}}') THEN {name} END"
    if column.type in ("words", "json"):
        return f"REGEXP_EXTRACT(JSON_QUERY({name}, '$'), '${{LIST}}')"
    if column.type == "text" and column.pattern:
        return f"CASE WHEN REGEXP({name}, '{column.pattern}') THEN {name} END"
    if column.type == "text":
        without_nul = f"REPLACE({name}, U&'\\0000', '')"
        return f"LEFT({without_nul}, {column.longest})" if column.longest else without_nul
    return ""


def _bytes(name: str) -> str:
    """The bytes of a text, each as a character."""
    return f"DECODE(ENCODE({name}, 'UTF-8'), 'ISO-8859-1')"


def _faults(columns: Iterable[Column], results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Conditions under which a row cannot be stored, each with its sentence."""
    for column in columns:
        absent = _absent(column, results)
        condition, rule = _wrong(column, absent == ALWAYS)
        if absent and absent != ALWAYS:
            missing = f"({quoted(column.name)} IS NULL AND {absent})"
            condition = f"{condition}\n      OR {missing}" if condition else missing
        if condition:
            yield condition, f"{column.name} {rule}"


ALWAYS = "always"


def _absent(column: Column, results: Sequence[Result]) -> str:
    """When the column must be there: `ALWAYS`, under a condition on the result, or (empty) never."""
    of = [result for result in results if column.name in {each.name for each in result.columns}]
    requiring = [result.name for result in of if result.is_required(result.column(column.name))]
    if len(requiring) == len(results):
        return ALWAYS
    return f"result_name IN (\n{listed(map(repr, requiring), 8)})" if requiring else ""


def _wrong(column: Column, required: bool) -> tuple[str, str]:
    """The condition under which a value cannot be used, empty where any can, and the rule that it breaks."""
    name, fails = quoted(column.name), "IS NOT TRUE" if required else "IS FALSE"
    if column.type == "time":
        wrong = f"REGEXP({name}, '${{TIME}}') {fails}\n      OR TRY_CAST(LEFT({name}, 10) AS DATE) IS NULL"
        return (wrong if required else f"{name} IS NOT NULL AND (\n      {wrong})"), NO_TIME
    pattern, rule = PATTERNS.get(column.type, ("", ""))
    if pattern:
        return f"REGEXP({_bytes(name) if column.type == 'id' else name}, '${{{pattern}}}') {fails}", rule
    absent = f"(ABS({name}) <= {LARGEST}) IS NOT TRUE" if column.type in ("number", "score") else f"{name} IS NULL"
    return (absent if required else ""), ABSENT.get(column.type, "must be a number")


def unstorable(sources: dict[str, tuple[Result, ...]]) -> str:
    """The view `unstorable`: every message that was left out, with the reason."""
    parts = [f"UNION ALL SELECT {quoted(position_of(results))}, topic, fault FROM {name}_checked WHERE fault IS NOT NULL"
             for name, results in sources.items()]
    return "\n".join(["-- Which messages were left out, and why? One row per message.", "CREATE TEMPORARY VIEW unstorable AS",
                      "SELECT source, topic, reason FROM unreadable", *parts])


def postgres_table(stored: Table) -> str:
    """The table `TABLE_out`. A row that comes again updates its row in the database.

    Texts go out untyped (stringtype=unspecified): Postgres itself reads times and JSON, and no JVM's time zone matters.
    """
    columns = declared((column.name, READ_TYPES[column.type]) for column in stored.ordered)
    key = f",\n  PRIMARY KEY ({', '.join(quoted(name) for name in stored.key)}) NOT ENFORCED"
    options = {"connector": "jdbc", "url": "${POSTGRES_URL}", "${POSTGRES_LOGIN}": "", "table-name": stored.name,
               "sink.buffer-flush.max-rows": str(stored.rows_at_a_time), "sink.buffer-flush.interval": "500ms"}
    return table(f"{stored.name}_out", columns + key, options, f"The table {stored.name} of the results database.")


def postgres_insert(stored: Table, name: str, results: Sequence[Result]) -> str:
    """Stores the usable rows of a source, or of the view that makes the table's rows out of them."""
    of_result = f"result_name = '{stored.name}' AND " if len(results) > 1 else ""
    view, where = (stored.view, "") if stored.view else (f"{name}_checked", f"{of_result}fault IS NULL")
    names = [column.name for column in stored.ordered]
    return insert(f"{stored.name}_out", names, listed(map(quoted, names)), view, where)


def refusals_insert() -> str:
    """Stores where every message lies that was left out, and why."""
    names = [column.name for column in REFUSALS.columns]
    return insert(f"{REFUSALS.name}_out", names, listed(names), "unstorable")


PARTS = ("year", "month", "day", "hour")
"""Folders of the archive, of the time that a row happened at."""


def archive_table(result: Result) -> str:
    """The table `RESULT_archive`: Parquet files below a folder for each hour.

    A file is complete, and visible, with the checkpoint after it; what was written into an hour until then is joined into one
    file. At least once: after a restart a row may stand twice; its key tells.
    """
    columns = [(column.name, "TIMESTAMP(3)" if column.type == "time" else READ_TYPES[column.type])
               for column in result.tables[0].ordered]
    options = {"connector": "filesystem", "path": "${ARCHIVE}", "format": "parquet", "parquet.compression": "SNAPPY",
               "parquet.utc-timezone": "true", "parquet.write.int64.timestamp": "true", "parquet.timestamp.time.unit": "millis",
               "auto-compaction": "true", "compaction.file-size": "128MB", "sink.rolling-policy.file-size": "128MB"}
    folders = [(part, "STRING") for part in PARTS]
    partitioned = f" PARTITIONED BY ({', '.join(map(quoted, PARTS))})"
    return table(f"{result.name}_archive", declared([*columns, ("source", "STRING"), *folders]), options,
                 "Parquet files below a folder for each hour; times are UTC.", partitioned)


def archive_insert(result: Result) -> str:
    """Archives the rows of the view `archived_RESULT`, which says in which folders each belongs."""
    columns = result.tables[0].ordered
    names = [*(column.name for column in columns), "source", *PARTS]
    selected = [*(_archived(column) for column in columns), "source", *map(quoted, PARTS)]
    return insert(f"{result.name}_archive", names, ",\n".join(f"  {each}" for each in selected), f"archived_{result.name}")


def _archived(column: Column) -> str:
    name = quoted(column.name)
    if column.type == "time":
        return f"TRY_CAST(REPLACE(REPLACE({name}, 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS {name}"
    return name
