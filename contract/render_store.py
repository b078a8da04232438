"""Renders Flink SQL for the jobs that read results: sources, checks and tables of the store, and the archive.

Results are checked by the types of their columns. For one text with a NUL, one impossible time or one key that is too long for
an index, Postgres would refuse the whole batch again and again. So every row that Postgres could refuse has a `fault` here,
becomes a store refusal, and never stops the job. A measurement of a wrong type is null in the source. Ids are bounded in bytes
and are checked in ISO-8859-1, where each byte of their UTF-8 form is one character. JSON_QUERY rewrites lists, because Flink's
JSON parser accepts more than Postgres does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from contract.identifiers import LONGEST_BYTES
from contract.model import Column, Result, Table
from contract.render_flink import FILES, KAFKA, TYPES, Options, comment, declared, insert, listed, quoted, table, topic

READ_TYPES = TYPES | {"words": "STRING", "bytes": "STRING"}
"""Type of a column → its type in the sources: lists and objects are read as JSON text, times as text."""
JSON = {"format": "json", "json.ignore-parse-errors": "true", "json.decode.json-parser.enabled": "false"}
POSITION = "CONCAT(topic, '[', CAST(`partition` AS STRING), ']@', CAST(`offset` AS STRING))"
POSITION_COLUMNS = (("topic", "STRING METADATA VIRTUAL"), ("partition", "INT METADATA VIRTUAL"),
                    ("offset", "BIGINT METADATA VIRTUAL"))
PATTERNS = {"id": ("NAME", f"must be 1 to {LONGEST_BYTES} bytes in UTF-8 without control characters"),
            "word": ("WORD", "must be a word in capital letters"), "bytes": ("BASE64", "must be base64")}
"""Type of a column → the name of the pattern that its texts must match, and the rule for the reason of a refusal."""
LARGEST = repr(sys.float_info.max)
"""The largest finite number."""
TIME_RULE = "must be a time like 2025-10-09T09:00:00.959Z"
ABSENT = {"text": "must be a text", "flag": "must be true or false", "json": "must be a list", "words": "must be a list",
          "name": "must be a text"}
"""Type of a required column → the rule that null breaks; for every other type it is "must be a number"."""
REFUSALS = Table("store_refusals", ("source",), (Column("source", "id"), Column("topic", "id"), Column("reason", "text")))


def position_of(results: Sequence[Result]) -> str:
    """Returns the name of the column with a row's position in its source: `source`, or `position` if the rows have a `source`."""
    return "position" if any(column.name == "source" for column in _columns(results)) else "source"


def _columns(results: Sequence[Result]) -> tuple[Column, ...]:
    """Returns the columns of all results, those of their keys first."""
    columns = {column.name: column for result in results for column in result.columns}
    keys = dict.fromkeys(name for result in results for name in result.key)
    return (*(columns[name] for name in keys), *(column for name, column in columns.items() if name not in keys))


def source(name: str, results: Sequence[Result], connector: str) -> str:
    """Renders the table `NAME_in`: one row per record of the results' topics, except records that are not JSON."""
    columns = [(column.name, READ_TYPES[column.type]) for column in _columns(results)]
    more = _kafka_columns(results) if connector == "kafka" else _file_columns(results)
    options = _kafka_source(results) if connector == "kafka" else _file_source(results)
    return table(f"{name}_in", declared([*columns, *more]), options, f"One row per record of {_topics(results)}, unchecked.")


def _topics(results: Sequence[Result]) -> str:
    return ", ".join(result.topic for result in results)


def _kafka_columns(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    yield from POSITION_COLUMNS
    if len(results) > 1:
        yield "result_name", "AS REPLACE(SUBSTRING(topic FROM CHAR_LENGTH('${TOPIC_PREFIX}') + 1), '-', '_')"
    yield position_of(results), f"AS {POSITION}"


def _file_columns(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Yields the columns that name a line of a file by a digest of its key, because it has no offset."""
    digest = f"MD5(CONCAT_WS('|', {', '.join(_text_of(column) for column in _identifying(results))}))"
    if len(results) == 1:
        yield "topic", f"AS '{results[0].topic}'"
        yield position_of(results), f"AS CONCAT('{results[0].topic}#', {digest})"
    else:
        yield "topic", "STRING METADATA FROM 'file.name' VIRTUAL"
        yield "result_name", "AS REPLACE(topic, '.jsonl', '')"
        yield position_of(results), f"AS CONCAT(topic, '#', {digest})"


def _identifying(results: Sequence[Result]) -> Iterator[Column]:
    """Returns the columns that identify a row: those of the keys, or all columns if a key is itself the position of a message."""
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
    """Renders the table `raw_in`: every record of every result as bytes, to find those that the other sources skip."""
    if connector == "kafka":
        columns = [("message", "BYTES"), *POSITION_COLUMNS, ("source", f"AS {POSITION}")]
        options = (_consumer(results, "${RAW_GROUP}") | {"properties.isolation.level": "read_committed"} | _from_group()
                   | {"format": "raw"})
    else:
        columns = [("message", "BYTES"), ("topic", "STRING METADATA FROM 'file.name' VIRTUAL"),
                   ("source", "AS CONCAT(topic, '#', MD5(DECODE(message, 'UTF-8')))")]
        options = FILES | {"path": "${FILE_INPUT}", "format": "raw"}
    return table("raw_in", declared(columns), options, "Every record of every result, as bytes.")


def checked(name: str, results: Sequence[Result]) -> str:
    """Renders the view `NAME_checked`: the rows of a source; `fault` is why a row cannot be stored, or null if it can."""
    columns = _columns(results)
    plain = [quoted(column.name) for column in columns if not _cleaned(column)]
    cleaned = [f"  {_cleaned(column)} AS {quoted(column.name)},\n" for column in columns if _cleaned(column)]
    origin = ["topic", quoted(position_of(results)), *(["result_name"] if len(results) > 1 else [])]
    faults = "\n".join(f"    WHEN {condition}\n      THEN '{sentence}'" for condition, sentence in _faults(columns, results))
    header = comment(f"Which rows of {name}_in can be stored? fault is the reason why a row cannot, or null if it can.")
    return (f"{header}\nCREATE TEMPORARY VIEW {name}_checked AS\nSELECT\n"
            f"{listed(plain)},\n{''.join(cleaned)}{listed(origin)},\n  CASE\n{faults}\n  END AS fault\nFROM {name}_in")


def _cleaned(column: Column) -> str:
    """Renders the expression that makes an unusable value null or shorter; empty for a column that is stored unchanged."""
    name = quoted(column.name)
    if column.type == "name":
        return f"CASE WHEN REGEXP({_bytes(name)}, '${{NAME}}')\n    THEN {name} END"
    if column.type in ("words", "json"):
        return f"REGEXP_EXTRACT(JSON_QUERY({name}, '$'), '${{LIST}}')"
    if column.type == "text" and column.pattern:
        return f"CASE WHEN REGEXP({name}, '{column.pattern}') THEN {name} END"
    if column.type == "text":
        without_nul = f"REPLACE({name}, U&'\\0000', '')"
        return f"LEFT({without_nul}, {column.longest})" if column.longest else without_nul
    return ""


def _bytes(name: str) -> str:
    """Renders the bytes of a text in UTF-8, each as one character."""
    return f"DECODE(ENCODE({name}, 'UTF-8'), 'ISO-8859-1')"


def _faults(columns: Iterable[Column], results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Yields the conditions under which a row cannot be stored, each with its reason."""
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
    """Returns when a column is required: `ALWAYS`, under a condition on the result, or never (empty)."""
    of = [result for result in results if column.name in {each.name for each in result.columns}]
    requiring = [result.name for result in of if result.is_required(result.column(column.name))]
    if len(requiring) == len(results):
        return ALWAYS
    return f"result_name IN (\n{listed(map(repr, requiring), 8)})" if requiring else ""


def _wrong(column: Column, required: bool) -> tuple[str, str]:
    """Returns the condition under which a value cannot be used, empty if every value can, and the rule that it breaks."""
    name, fails = quoted(column.name), "IS NOT TRUE" if required else "IS FALSE"
    if column.type == "time":
        wrong = f"REGEXP({name}, '${{TIME}}') {fails}\n      OR TRY_CAST(LEFT({name}, 10) AS DATE) IS NULL"
        return (wrong if required else f"{name} IS NOT NULL AND (\n      {wrong})"), TIME_RULE
    pattern, rule = PATTERNS.get(column.type, ("", ""))
    if pattern:
        return f"REGEXP({_bytes(name) if column.type == 'id' else name}, '${{{pattern}}}') {fails}", rule
    absent = f"(ABS({name}) <= {LARGEST}) IS NOT TRUE" if column.type in ("number", "score") else f"{name} IS NULL"
    return (absent if required else ""), ABSENT.get(column.type, "must be a number")


def unstorable(sources: dict[str, tuple[Result, ...]]) -> str:
    """Renders the view `unstorable`: every record that cannot be stored, with its position, topic and reason."""
    parts = [f"UNION ALL SELECT {quoted(position_of(results))}, topic, fault FROM {name}_checked WHERE fault IS NOT NULL"
             for name, results in sources.items()]
    return "\n".join(["-- Which records cannot be stored, and why? One row per record.", "CREATE TEMPORARY VIEW unstorable AS",
                      "SELECT source, topic, reason FROM unreadable", *parts])


def postgres_table(stored: Table) -> str:
    """Renders the table `TABLE_out`, whose rows update those with the same key in the database.

    Texts are sent without a type (stringtype=unspecified), so that Postgres parses times and JSON, whatever the JVM's time zone.
    """
    columns = declared((column.name, READ_TYPES[column.type]) for column in stored.ordered)
    key = f",\n  PRIMARY KEY ({', '.join(quoted(name) for name in stored.key)}) NOT ENFORCED"
    options = {"connector": "jdbc", "url": "${POSTGRES_URL}", "${POSTGRES_LOGIN}": "", "table-name": stored.name,
               "sink.buffer-flush.max-rows": str(stored.rows_at_a_time), "sink.buffer-flush.interval": "500ms"}
    return table(f"{stored.name}_out", columns + key, options, f"The table {stored.name} of the results database.")


def postgres_insert(stored: Table, name: str, results: Sequence[Result]) -> str:
    """Renders the INSERT of the usable rows of a source, or of the view that derives the table's rows from them."""
    of_result = f"result_name = '{stored.name}' AND " if len(results) > 1 else ""
    view, where = (stored.view, "") if stored.view else (f"{name}_checked", f"{of_result}fault IS NULL")
    names = [column.name for column in stored.ordered]
    return insert(f"{stored.name}_out", names, listed(map(quoted, names)), view, where)


def refusals_insert() -> str:
    """Renders the INSERT of the position, topic and reason of every record that cannot be stored."""
    names = [column.name for column in REFUSALS.columns]
    return insert(f"{REFUSALS.name}_out", names, listed(names), "unstorable")


PARTS = ("year", "month", "day", "hour")
"""Columns that name the folders of the archive, from the event time of a row."""


def archive_table(result: Result) -> str:
    """Renders the table `RESULT_archive`: Parquet files in a folder for each hour.

    A checkpoint completes the files, merges those of an hour, and makes them visible. Delivery is at least once: after a restart
    a row may appear twice, with the same key.
    """
    columns = [(column.name, "TIMESTAMP(3)" if column.type == "time" else READ_TYPES[column.type])
               for column in result.tables[0].ordered]
    options = {"connector": "filesystem", "path": "${ARCHIVE}", "format": "parquet", "parquet.compression": "SNAPPY",
               "parquet.utc-timezone": "true", "parquet.write.int64.timestamp": "true", "parquet.timestamp.time.unit": "millis",
               "auto-compaction": "true", "compaction.file-size": "128MB", "sink.rolling-policy.file-size": "128MB"}
    folders = [(part, "STRING") for part in PARTS]
    partitioned = f" PARTITIONED BY ({', '.join(map(quoted, PARTS))})"
    return table(f"{result.name}_archive", declared([*columns, ("source", "STRING"), *folders]), options,
                 "Parquet files in a folder for each hour; times are UTC.", partitioned)


def archive_insert(result: Result) -> str:
    """Renders the INSERT of the rows of the view `archived_RESULT`, which has the columns of the folders."""
    columns = result.tables[0].ordered
    names = [*(column.name for column in columns), "source", *PARTS]
    selected = [*(_archived(column) for column in columns), "source", *map(quoted, PARTS)]
    return insert(f"{result.name}_archive", names, ",\n".join(f"  {each}" for each in selected), f"archived_{result.name}")


def _archived(column: Column) -> str:
    name = quoted(column.name)
    if column.type == "time":
        return f"TRY_CAST(REPLACE(REPLACE({name}, 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS {name}"
    return name
