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
from typing import Any, TypeVar

from contract.model import (
    SCHEMA_VERSION,
    STATISTICS,
    TYPES,
    AlarmBit,
    AlertType,
    Column,
    Contract,
    ContractError,
    Measurement,
    Result,
    Table,
    Text,
)

T = TypeVar("T")


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
    alarm_bits, communication_error = _alarm_bits(_read(folder.joinpath("alarm_bits.toml")))
    alert_types = _alert_types(alerts["types"], advice)
    _check_hazards(alert_types, {"measurements": {each.name for each in measurements},
                                 "alarms": {each.name for each in alarm_bits}})
    return Contract(measurements, telemetry, results, alert_types, advice, words["levels"], words["alert_levels"], level_names,
                    alarm_bits, communication_error)


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
            "bounded": tuple(each.name for each in measurements if each.range or each.possible)}


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


def _check_hazards(alert_types: tuple[AlertType, ...], known: Mapping[str, set[str]]) -> None:
    """Checks that what makes the hazard of each type is declared."""
    known = {**known, "hazard": {each.name for each in alert_types if each.alarms}}
    for each in alert_types:
        named = {"measurements": each.measurements, "alarms": each.alarms, "hazard": (each.hazard,) if each.hazard else ()}
        for field, names in named.items():
            unknown = [name for name in names if name not in known[field]]
            _require(not unknown, f"contract/alerts.toml: {each.name}.{field} names {', '.join(unknown)}, which is not declared; "
                                  f"use {', '.join(sorted(known[field]))}")


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
