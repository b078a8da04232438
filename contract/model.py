"""Loads the declarations of this folder as frozen objects: quantities, alarm bits, the rows of every topic, and alert types.

`measurements.toml` declares the quantities, each file of `results/` the rows of one topic, `telemetry.toml` the messages of
devices, `alarm_bits.toml` the bits of their status, and `alerts.toml` the alert types. Among the columns of a file,
`"@name" = {}` stands for a list of columns:

    @measurements   every measured quantity           @evidence   the quantities that candidates carry
    @alerted        the quantities that alerts show   @minute     the statistics of a minute that measurements.toml asks for
    @spellings      the fields of a message           @alerts     the columns of another result, here of alerts

A column that is declared again replaces the column of the list, in the same position. `words = "@name"` stands for a list of
words from alerts.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple, TypeVar

from contract.identifiers import LONGEST_BYTES

T = TypeVar("T")

SCHEMA_VERSION = 1
"""The value of the first column of every row; it changes if rows change in a way that readers must know about."""
TYPES = {
    "id": f"the name of a device, a site or a row: 1 to {LONGEST_BYTES} bytes in UTF-8 without control characters",
    "name": "any other name, with the same bounds",
    "time": "ISO-8601 in UTC with milliseconds, as text; in Postgres `timestamptz`",
    "word": "one of the listed words, in capital letters",
    "number": "a floating-point number",
    "score": "a number from 0 to 1",
    "whole": "a whole number",
    "flag": "true or false",
    "words": "a list of texts",
    "json": "JSON with a shape of its own; in Postgres `jsonb`",
    "text": "any text",
    "bytes": "any bytes, as text in base64",
    "version": "the version of the row's schema, a whole number",
}  # fmt: skip
"""Type of a column → its meaning.

The store refuses a row with an unusable `id`, but stores null for an unusable `name`. Views of Flink carry a `time` as TIMESTAMP,
and `words` as one text separated by commas.
"""
STATISTICS = {"avg": "mean", "max": "highest", "min": "lowest"}
"""Statistics of a minute: prefix of the column → name."""


class ContractError(ValueError):
    """A declaration that cannot be used; the message names the file, the rule and the declared value."""


class Text(NamedTuple):
    """A text in Korean and English."""

    ko: str
    en: str


@dataclass(frozen=True)
class AlarmBit:
    """A bit of a device's status; with `and_above`, any higher bit has the same meaning."""

    name: str
    bit: int
    text: Text
    and_above: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a result, whose type determines how it is declared, checked, written and read.

    `required` columns are never null in the database; `is_nullable` columns may be null on the topic. `least`, `most` and `above`
    (exclusive) bound a number, `values` lists its only values, `longest` is the length to which a text is cut, and `shape` is the
    JSON Schema of a json column. `default` is the SQL expression for a column that a view does not have. A time with `as_text` is
    already text in the view.
    """

    name: str
    type: str
    means: str = ""
    unit: str = ""
    is_nullable: bool = False
    required: bool = False
    least: float | None = None
    most: float | None = None
    above: float | None = None
    values: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    is_unique: bool = False
    pattern: str = ""
    longest: int | None = None
    shape: Mapping[str, Any] | None = None
    default: str = ""
    as_text: bool = False


@dataclass(frozen=True)
class Measurement:
    """A quantity; a measured one has `spellings`, the fields of a message that can hold it, in the order of precedence."""

    name: str
    spellings: tuple[str, ...] = ()
    type: str = "number"
    unit: str = ""
    means: str = ""
    range: tuple[float, float] | None = None
    least: float | None = None
    digits: int | None = None
    simulated_digits: int | None = None
    label: Text | None = None
    minute: tuple[str, ...] = ()
    cloudwatch: str = ""
    chart: str = ""
    evidence: bool = True
    alerted: bool = False

    def column(self) -> Column:
        """Returns the column that holds the quantity, which is null if it was not measured."""
        return Column(self.name, self.type, self.means, self.unit, is_nullable=True, least=self.least)

    def minute_columns(self) -> Iterator[Column]:
        """Yields the columns of the quantity's statistics of a minute."""
        for statistic in self.minute:
            yield Column(f"{statistic}_{self.name}", "number", "", self.unit, is_nullable=True)


@dataclass(frozen=True)
class Table:
    """A table of Postgres that the store fills from a result, in batches of at most `rows_at_a_time`.

    A table with other columns than the result is filled from the view `view` in the store's SQL.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rows_at_a_time: int = 500
    view: str = ""

    @property
    def ordered(self) -> tuple[Column, ...]:
        """The columns, those of the key first."""
        return key_first(self.columns, self.key)


@dataclass(frozen=True)
class Result:
    """The rows of one topic; `key` identifies a row, and results with the same `store_with` share one source in the store."""

    name: str
    title: str
    grain: str
    topic: str
    partition_by: str
    partitions: int
    topic_days: int
    columns: tuple[Column, ...]
    written_by: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    kept_days: int | None = None
    store_with: str = ""
    is_transactional: bool = False
    conditions: tuple[Mapping[str, Any], ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ()
    tables: tuple[Table, ...] = ()

    def column(self, name: str) -> Column:
        """Returns the column with a name.

        Raises:
            ContractError: the result has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"{self.name} has no column {name!r}; it has {', '.join(each.name for each in self.columns)}")

    def is_required(self, column: Column) -> bool:
        """Checks whether a row needs the column to be stored."""
        return column.required or column.name in self.key or column.name == "schema_version"


@dataclass(frozen=True)
class AlertType:
    """An alert type: the levels and causes of its candidates, and its texts."""

    name: str
    levels: tuple[str, ...]
    causes: tuple[str, ...]
    raised_by: str
    title: Text
    advice: tuple[Text, ...]


@dataclass(frozen=True)
class Contract:
    """All declarations."""

    measurements: tuple[Measurement, ...]
    """Every quantity, measured or derived."""
    telemetry: Result
    results: tuple[Result, ...]
    """The results in the order of their names, in which jobs declare them."""
    alert_types: tuple[AlertType, ...]
    advice: Mapping[str, Text]
    levels: tuple[str, ...]
    alert_levels: tuple[str, ...]
    level_names: Mapping[str, Text]
    alarm_bits: tuple[AlarmBit, ...]
    """The alarms, in the order of their bits from 0."""
    communication_error: AlarmBit

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """The quantities that devices measure."""
        return tuple(each for each in self.measurements if each.spellings)

    @property
    def charted(self) -> tuple[Measurement, ...]:
        """The quantities that the page of a device draws."""
        return tuple(each for each in self.measurements if each.chart)

    @property
    def shown_with_alerts(self) -> tuple[Measurement, ...]:
        """The quantities whose measurements people see with an alert."""
        return tuple(each for each in self.measurements if each.alerted and each.digits is not None)

    def result(self, name: str) -> Result:
        """Returns the result with a name.

        Raises:
            ContractError: no such result is declared.
        """
        for result in self.results:
            if result.name == name:
                return result
        raise ContractError(f"there is no result {name!r}; contract/results declares {', '.join(r.name for r in self.results)}")

    def written_by(self, job: str) -> tuple[Result, ...]:
        """Returns the results that a job writes."""
        return tuple(result for result in self.results if job in result.written_by)

    def stored(self) -> dict[str, tuple[Result, ...]]:
        """Returns the sources of the store: name → the results that it reads from the source."""
        groups: dict[str, tuple[Result, ...]] = {}
        for result in self.results:
            if result.key:
                name = result.store_with or result.name
                groups[name] = (*groups.get(name, ()), result)
        return groups


def key_first(columns: tuple[Column, ...], key: tuple[str, ...]) -> tuple[Column, ...]:
    """Returns the columns with those of the key first, in the key's order."""
    by_name = {column.name: column for column in columns}
    return (*(by_name[name] for name in key), *(column for column in columns if column.name not in key))


def load(folder: Traversable) -> Contract:
    """Loads the declarations of a folder.

    Raises:
        ContractError: a declaration cannot be used.
    """
    alerts = _read(folder.joinpath("alerts.toml"))
    measurements = tuple(_measurement(name, block) for name, block in _read(folder.joinpath("measurements.toml")).items())
    columns, words = _column_lists(measurements), _word_lists(alerts, measurements)
    results = _results(folder.joinpath("results"), columns, words)
    telemetry = _result("telemetry", _read(folder.joinpath("telemetry.toml")), _Names(columns, words, {}), versioned=False)
    advice = {name: Text(**texts) for name, texts in alerts["advice"].items()}
    level_names = {name: Text(**texts) for name, texts in alerts["levels"]["names"].items()}
    return Contract(measurements, telemetry, results, _alert_types(alerts["types"], advice), advice, words["levels"],
                    words["alert_levels"], level_names, *_alarm_bits(_read(folder.joinpath("alarm_bits.toml"))))


def _results(folder: Traversable, columns: Mapping[str, tuple[Column, ...]], words: Mapping[str, tuple[str, ...]]
             ) -> tuple[Result, ...]:
    """Loads the results in the order of their names; those that refer to another result are read after the others."""
    blocks = {file.name.removesuffix(".toml"): _read(file) for file in folder.iterdir() if file.name.endswith(".toml")}
    results: dict[str, Result] = {}
    for name in sorted(blocks, key=lambda name: any(each.removeprefix("@") in blocks for each in blocks[name]["columns"])):
        results[name] = _result(name, blocks[name], _Names(columns, words, results))
    return tuple(results[name] for name in sorted(results))


def _read(file: Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise ContractError(f"contract/{file.name} cannot be read: {problem}; correct its TOML") from problem


def _word_lists(alerts: Mapping[str, Any], measurements: tuple[Measurement, ...]) -> dict[str, tuple[str, ...]]:
    """Returns the lists of words to which columns can refer."""
    of_readings = [name for name, block in alerts["types"].items() if "readings" in block["causes"]]
    return {"levels": tuple(alerts["levels"]["risk"]), "alert_levels": tuple(alerts["levels"]["alert"]),
            "alert_types": tuple(alerts["types"]), "reading_alert_types": tuple(of_readings),
            "ranged": tuple(each.name for each in measurements if each.range)}


def _column_lists(measurements: tuple[Measurement, ...]) -> dict[str, tuple[Column, ...]]:
    """Returns the lists of columns to which a file can refer."""
    measured = [each for each in measurements if each.spellings]
    return {
        "measurements": tuple(each.column() for each in measured),
        "evidence": tuple(each.column() for each in measured if each.evidence),
        "alerted": tuple(each.column() for each in measured if each.alerted),
        "minute": tuple(column for each in measured for column in each.minute_columns()),
        "spellings": tuple(replace(each.column(), name=spelling) for each in measured for spelling in each.spellings),
    }


def _measurement(name: str, block: dict[str, Any]) -> Measurement:
    where = f"contract/measurements.toml: {name}"
    values = {**block, "label": Text(**block["name"]) if "name" in block else None, "name": name}
    measurement = _made(Measurement, values, where)
    _require(measurement.type in ("number", "whole"), f"{where}.type must be number or whole, not {measurement.type!r}")
    unknown = set(measurement.minute) - set(STATISTICS)
    _require(not unknown, f"{where}.minute must list only {', '.join(STATISTICS)}, not {', '.join(sorted(unknown))}")
    return measurement


@dataclass(frozen=True)
class _Names:
    """What a file can refer to: lists of columns, lists of words, and the results that were read before it."""

    columns: Mapping[str, tuple[Column, ...]]
    words: Mapping[str, tuple[str, ...]]
    results: Mapping[str, Result]

    def list_of(self, name: str, where: str) -> tuple[Column, ...]:
        listed = self.columns.get(name) or (self.results[name].columns[1:] if name in self.results else None)
        if listed is None:
            raise ContractError(f'{where} refers to the columns "@{name}", which do not exist; '
                                f"use {', '.join(f'@{each}' for each in (*self.columns, *self.results))}")
        return listed

    def words_of(self, declared: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(declared, str):
            return tuple(declared)
        name = declared.removeprefix("@")
        _require(name in self.words, f"{where} refers to the words {declared!r}, which do not exist; "
                                     f"use {', '.join(f'@{each}' for each in self.words)}")
        return self.words[name]


def _result(name: str, block: dict[str, Any], names: _Names, *, versioned: bool = True) -> Result:
    where = f"contract/results/{name}.toml" if versioned else f"contract/{name}.toml"
    columns = _columns(block.pop("columns", {}), names, where)
    if versioned:
        columns = (Column("schema_version", "version", values=(SCHEMA_VERSION,), default=str(SCHEMA_VERSION)), *columns)
    tables = block.pop("tables", None)
    conditions = tuple(_condition(each, names, where) for each in block.pop("conditions", ()))
    result = _made(Result, {**block, "name": name, "columns": columns, "conditions": conditions}, where)
    names_of_columns = {column.name for column in columns}
    for of_key in (result.partition_by, *result.key):
        _require(of_key in names_of_columns, f"{where}: partition_by or key names {of_key!r}, which is not a column; declare it")
    return replace(result, tables=_tables(result, tables, names, where))


def _columns(block: Mapping[str, Any], names: _Names, where: str) -> tuple[Column, ...]:
    columns: dict[str, Column] = {}
    for name, declared in block.items():
        if name.startswith("@"):
            columns |= {column.name: column for column in names.list_of(name[1:], where)}
        else:
            columns[name] = _column(name, declared, names, f"{where}: {name}")
    return tuple(columns.values())


def _column(name: str, declared: Mapping[str, Any], names: _Names, where: str) -> Column:
    values = {"name": name, **declared}
    values["is_nullable"] = values.pop("null", False)
    values["is_unique"] = values.pop("unique", False)
    for listed in ("words", "items"):
        values[listed] = names.words_of(values.get(listed, ()), where)
    column = _made(Column, values, where)
    _require(column.type in TYPES, f"{where}.type must be one of {', '.join(TYPES)}, not {column.type!r}")
    return replace(column, least=0, most=1) if column.type == "score" else column


def _condition(declared: Mapping[str, Any], names: _Names, where: str) -> dict[str, Any]:
    """Returns a condition in which every list is replaced by its items."""
    condition = dict(declared)
    condition["when"] = {name: names.words_of(values, where) for name, values in declared["when"].items()}
    for rule in ("filled", "empty_otherwise"):
        if rule in declared:
            condition[rule] = tuple(_spelled(declared[rule], names, where))
    return condition


def _spelled(listed: list[str], names: _Names, where: str) -> Iterator[str]:
    for name in listed:
        if name.startswith("@"):
            yield from (column.name for column in names.list_of(name[1:], where))
        else:
            yield name


def _tables(result: Result, declared: Mapping[str, Any] | None, names: _Names, where: str) -> tuple[Table, ...]:
    if declared is None:
        return (Table(result.name, result.key, result.columns),) if result.key else ()
    return tuple(_table(name, block, result, names, where) for name, block in sorted(declared.items()))


def _table(name: str, block: Mapping[str, Any], result: Result, names: _Names, where: str) -> Table:
    kept = tuple(column for column in result.columns if column.name not in block.get("drops", ()))
    added = _columns(block.get("adds", {}), names, where)
    return Table(name, tuple(block["key"]), (*kept, *added), block.get("rows_at_a_time", Table.rows_at_a_time),
                 f"{name}_usable")


def _alarm_bits(blocks: Mapping[str, Any]) -> tuple[tuple[AlarmBit, ...], AlarmBit]:
    """Loads the bits of the alarms, and the last bit, whose meaning any higher bit shares."""
    where = "contract/alarm_bits.toml"
    bits = [_made(AlarmBit, {**{each: block[each] for each in block if each != "name"}, "text": Text(**block["name"]),
                             "name": name}, f"{where}: {name}") for name, block in blocks.items()]
    _require([each.bit for each in bits] == list(range(len(bits))), f"{where} must list the bits from 0 on without a gap")
    _require([each.and_above for each in bits] == [False] * (len(bits) - 1) + [True],
             f"{where} must set and_above = true for the last bit and for no other")
    return tuple(bits[:-1]), bits[-1]


def _alert_types(types: Mapping[str, Any], advice: Mapping[str, Text]) -> tuple[AlertType, ...]:
    return tuple(_alert_type(name, block, advice) for name, block in types.items())


def _alert_type(name: str, block: Mapping[str, Any], advice: Mapping[str, Text]) -> AlertType:
    where = f"contract/alerts.toml: {name}"
    unknown = [each for each in block["advice"] if each not in advice]
    _require(not unknown, f"{where} refers to the advice {', '.join(unknown)}, which the block [advice] does not declare; add it")
    texts = {"title": Text(**block["title"]), "advice": [advice[each] for each in block["advice"]]}
    return _made(AlertType, {**block, **texts, "name": name}, where)


def _made(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Makes an object of a frozen class, with tuples for lists.

    Raises:
        ContractError: a field is unknown or missing.
    """
    unknown = set(values) - {each.name for each in fields(cls)}  # type: ignore[arg-type]
    _require(not unknown, f"{where} sets {', '.join(sorted(unknown))}, which is unknown; correct the spelling")
    frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    make: Callable[..., T] = cls
    try:
        return make(**frozen)
    except TypeError as problem:
        raise ContractError(f"{where} is incomplete: {problem}; add it") from problem


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ContractError(sentence)


CONTRACT = load(resources.files("contract"))
"""The declarations of this project."""
