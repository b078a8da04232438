"""Renders Flink SQL from the contract: tables and INSERTs of the detect and alert jobs, and the building blocks of all tables.

The results are templates: each job replaces `${NAME}` by a value, as in the files of `sql/`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping

from contract import crossing
from contract.model import Column, Contract, Result

TYPES = {"id": "STRING", "name": "STRING", "time": "STRING", "word": "STRING", "number": "DOUBLE", "score": "DOUBLE",
         "whole": "BIGINT", "flag": "BOOLEAN", "words": "ARRAY<STRING>", "json": "STRING", "text": "STRING", "bytes": "BYTES",
         "version": "INT"}
"""Type of a column → its type in the tables to which results are written."""
RESERVED = frozenset({"current", "day", "hour", "key", "month", "offset", "partition", "position", "power", "value", "year"})
"""Names of columns that are reserved words in SQL."""
WIDTH = 118
KAFKA = {"connector": "kafka", "topic": "", "properties.bootstrap.servers": "${KAFKA_BROKERS}", "${KAFKA_SECURITY}": ""}
FILES = {"connector": "filesystem"}

Options = Mapping[str, str]
"""Options of a table, key → value; a key that is a `${NAME}` stands for whole lines and has an empty value."""


def quoted(name: str) -> str:
    """Quotes a name that is a reserved word."""
    return f"`{name}`" if name in RESERVED else name


def declared(columns: Iterable[tuple[str, str]]) -> str:
    """Renders the columns of a table from pairs of name and type, with the types aligned."""
    columns = list(columns)
    width = max(len(quoted(name)) for name, _ in columns)
    return ",\n".join(f"  {quoted(name):<{width}} {type_}" for name, type_ in columns)


def listed(columns: Iterable[str], indent: int = 2) -> str:
    """Renders names or expressions as an indented list with commas, in lines of at most `WIDTH` characters."""
    margin = " " * indent
    return textwrap.fill(", ".join(columns), WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False,
                         break_on_hyphens=False)


def comment(text: str) -> str:
    """Renders a text as a comment of one or more lines."""
    return textwrap.fill(text, WIDTH, initial_indent="-- ", subsequent_indent="-- ")


def table(name: str, columns: str, options: Options, header: str, partitioned: str = "") -> str:
    """Renders a CREATE TABLE below a comment."""
    lines = [key if key.startswith("$") else f"'{key}' = '{value}'," for key, value in options.items()]
    body = "\n".join(f"  {line}" for line in lines).rstrip(",")
    return f"{comment(header)}\nCREATE TEMPORARY TABLE {name} (\n{columns}\n){partitioned} WITH (\n{body}\n)"


def insert(target: str, columns: Iterable[str], selected: str, source: str, where: str = "") -> str:
    """Renders an INSERT that names its columns."""
    condition = f"\nWHERE {where}" if where else ""
    return f"INSERT INTO {target} (\n{listed(map(quoted, columns))}\n)\nSELECT\n{selected}\nFROM {source}{condition}"


def topic(name: str) -> str:
    """Returns the name of a topic with the prefix of the installation."""
    return "${TOPIC_PREFIX}" + name


def sink(result: Result, connector: str) -> str:
    """Renders `RESULT_out`, to which the detect job writes a result: JSON, keyed by the column that partitions the topic."""
    columns = declared((column.name, TYPES[column.type]) for column in result.columns)
    partitioned = f" PARTITIONED BY ({result.partition_by})" if connector == "kinesis" else ""
    return table(f"{result.name}_out", columns, _sink_options(result, connector), _sentence(result.grain), partitioned)


def finished_sink(name: str, result: Result, connector: str) -> str:
    """Renders `NAME_out`, to which the detect job writes finished JSON messages of a result, and on Kafka their key."""
    columns = declared((column, "BYTES" if column == "payload" else "STRING") for column in _message_columns(result, connector))
    raw = {"value.format": "raw", "value.fields-include": "EXCEPT_KEY"} if connector == "kafka" else {"format": "raw"}
    return table(f"{name}_out", columns, {**_sink_options(result, connector), **raw}, _sentence(result.grain))


def finished_insert(name: str, result: Result, connector: str) -> str:
    """Renders the INSERT into the table of `finished_sink` from the view of the same name."""
    columns = _message_columns(result, connector)
    return insert(f"{name}_out", columns, listed(columns), name)


def _sink_options(result: Result, connector: str) -> Options:
    if connector == "kafka":
        return KAFKA | {"topic": topic(result.topic), "properties.compression.type": "${KAFKA_COMPRESSION}",
                        "properties.max.request.size": "${LARGEST_RECORD}", "properties.linger.ms": "5", "key.format": "raw",
                        "key.fields": result.partition_by, "value.format": "json", "value.fields-include": "ALL",
                        "sink.delivery-guarantee": "at-least-once"}
    if connector == "kinesis":
        return _kinesis(result.topic) | {"sink.flush-buffer.timeout": "200", "format": "json"}
    return FILES | {"path": f"${{FILE_OUTPUT}}/{result.name}", "format": "json"}


def _kinesis(name: str) -> dict[str, str]:
    return {"connector": "kinesis", "stream.arn": "${KINESIS_STREAMS}" + topic(name), "aws.region": "${KINESIS_REGION}",
            "${KINESIS_SINK_ENDPOINT}": ""}


def result_insert(result: Result) -> str:
    """Renders the INSERT of a result's rows from the view of the same name; it adds the schema version."""
    names = [column.name for column in result.columns]
    return insert(f"{result.name}_out", names, _selected(result.columns, names[1:]), result.name)


def view_insert(result: Result, view: str, view_columns: Collection[str]) -> str:
    """Renders the INSERT from a view with some columns of a result; other columns have their default, or are null."""
    columns = [column for column in result.columns if column.name in view_columns or column.default]
    return insert(f"{result.name}_out", (column.name for column in columns), _selected(columns, view_columns), view)


def _selected(columns: Iterable[Column], view_columns: Collection[str]) -> str:
    return ",\n".join(f"  {_written(column) if column.name in view_columns else f'{column.default} AS {quoted(column.name)}'}"
                      for column in columns)


def _written(column: Column) -> str:
    """Renders the expression that converts a column of a view to the type in which it is written."""
    name = quoted(column.name)
    if column.type == "time" and not column.as_text:
        return f"DATE_FORMAT({name}, '${{ISO_TIME}}') AS {name}"
    if column.type == "words":
        return f"ARRAY_REMOVE(SPLIT({name}, ','), '') AS {name}"
    return name


def message_sink(result: Result, connector: str) -> str:
    """Renders `RESULT_out`, to which the alert job writes a result: whole JSON messages, which Python has made.

    The raw format has one column; only Kafka takes a key next to it. Kinesis uses a partition key per writer instead. A subject
    has one writer, so that its messages stay in order until the job's parallelism changes.
    """
    columns = declared((name, "STRING NOT NULL") for name in _message_columns(result, connector))
    return table(f"{result.name}_out", columns, _message_options(result, connector), _sentence(result.grain))


def _message_columns(result: Result, connector: str) -> list[str]:
    return [result.partition_by, "payload"] if connector == "kafka" else ["payload"]


def _message_options(result: Result, connector: str) -> Options:
    if connector == "kinesis":
        return _kinesis(result.topic) | {"sink.partitioner": "fixed", "sink.flush-buffer.timeout": "200", "format": "raw"}
    if connector == "file":
        return FILES | {"path": f"${{FILE_OUTPUT}}/{result.name}", "format": "raw"}
    return KAFKA | {"topic": topic(result.topic), "properties.compression.type": "${KAFKA_COMPRESSION}",
                    "properties.max.request.size": "${LARGEST_RECORD}", "key.format": "raw", "key.fields": result.partition_by,
                    "value.format": "raw", "value.fields-include": "EXCEPT_KEY"} | _delivery(result)


def _delivery(result: Result) -> dict[str, str]:
    """Returns the options of delivery: exactly once for a transactional result if the settings ask for it, else at least once.

    The timeout of a transaction must be below the broker's 15 minutes.
    """
    if not result.is_transactional:
        return {"sink.delivery-guarantee": "at-least-once"}
    return {"properties.transaction.timeout.ms": "600000", "sink.delivery-guarantee": "${ALERT_DELIVERY}",
            "sink.transactional-id-prefix": "${ALERT_TRANSACTIONS}"}


def message_insert(result: Result, connector: str) -> str:
    """Renders the INSERT of a result's messages from `alert_output`."""
    columns = _message_columns(result, connector)
    selected = listed("payload" if column == "payload" else f"`key` AS {column}" for column in columns)
    return insert(f"{result.name}_out", columns, selected, "alert_output", f"kind = '{result.name}'")


def column_lists(contract: Contract, connector: str) -> dict[str, str]:
    """Renders the lists of columns for views of the detect job, by the names with which their SQL refers to them."""
    crossed = crossing.reading_columns(contract, connector)
    statistics = [(statistic, each.name) for each in contract.measured for statistic in each.minute]
    return {
        "SCORED_COLUMNS": ",\n  ".join(f"r.{quoted(column.name)} AS {quoted(column.name)}" for column in crossed),
        "ON_TIME_COLUMNS": ",\n  ".join(quoted(column.name) for column in crossed if column not in crossing.MESSAGES),
        "READING_CANDIDATE": ",\n  ".join(_reading_candidate(contract, connector)),
        "MINUTE_MEANS": _statistics(pair for pair in statistics if pair[0] == "avg"),
        "MINUTE_EXTREMES": _statistics(pair for pair in statistics if pair[0] != "avg"),
        "MINUTE_STATISTICS": " ".join(f"{statistic}_{name}," for statistic, name in statistics),
    }


def _reading_candidate(contract: Contract, connector: str) -> list[str]:
    """Returns the columns of `reading_candidates` as it selects them: key and message, or each column of the candidate."""
    if crossing.takes_messages(connector):
        return ["device_id AS subject", "candidate AS payload"]
    columns = crossing.candidate_columns(contract).items()
    return [*(f"{quoted(source)} AS {quoted(name)}" for name, source in columns), f"'{crossing.FIXED['cause']}' AS cause"]


def _statistics(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n  ".join(f"{statistic.upper()}({quoted(name)}) AS {statistic}_{name}," for statistic, name in pairs)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
