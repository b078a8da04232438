"""Renders the JSON Schemas of the topics into infra/schemas, for other systems that read or write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contract.identifiers import LONGEST_BYTES
from contract.model import SCHEMA_VERSION, Column, Contract, Result

Schema = dict[str, Any]

FOLDER = "infra/schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
NO_CONTROL_CHARACTERS = r"^[^\u0000-\u001f\u007f]*$"
TIME = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$"
BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
NUMBER_AS_TEXT = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
WHOLE_AS_TEXT = r"^\s*[+-]?\d+(\.0*)?\s*$"
COUNT_AS_TEXT = r"^\s*\+?\d+(\.0*)?\s*$"

DEFINITIONS: Mapping[str, Schema] = {
    "id": {"description": f"the name of a device, a site or a row: at most {LONGEST_BYTES} bytes in UTF-8", "type": "string",
           "minLength": 1, "maxLength": LONGEST_BYTES, "pattern": NO_CONTROL_CHARACTERS},
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_BYTES, "pattern": NO_CONTROL_CHARACTERS},
    "time": {"description": "ISO-8601 in UTC with milliseconds", "type": "string", "pattern": TIME},
    "score": {"type": "number", "minimum": 0, "maximum": 1},
}  # fmt: skip
"""Types that a schema describes once, in its `$defs`."""
JSON_TYPES = {"number": "number", "score": "number", "whole": "integer", "flag": "boolean"}
"""Type of a column → its type in JSON; every other type is a text."""


def render(contract: Contract) -> dict[str, str]:
    """Returns every schema as a file: path in the repository → text."""
    schemas = {result.topic: schema(result) for result in contract.results} | {contract.telemetry.topic: messages(contract)}
    return {f"{FOLDER}/{topic}.schema.json": json.dumps(each, indent=2, ensure_ascii=False) + "\n"
            for topic, each in sorted(schemas.items())}


def schema(result: Result) -> Schema:
    """Returns the schema of a result's rows, which have all columns and no other field."""
    conditions = [_condition(result, each) for each in result.conditions]
    return {
        **_heading(result), "properties": {column.name: of_column(column) for column in result.columns},
        "required": [column.name for column in result.columns], "additionalProperties": False,
        **({"allOf": conditions} if conditions else {}),
        "examples": [{column.name: _example(column, example) for column in result.columns} for example in result.examples],
        "$defs": _definitions(result.columns),
    }  # fmt: skip


def messages(contract: Contract) -> Schema:
    """Returns the schema of devices' messages, which need at least one measured quantity and may have further fields."""
    telemetry = contract.telemetry
    needed = [spelling for each in contract.measured if each.evidence for spelling in each.spellings]
    return {
        **_heading(telemetry), "properties": {column.name: _of_message(column) for column in telemetry.columns},
        "required": [column.name for column in telemetry.columns if not column.is_nullable],
        "anyOf": [{"required": [spelling]} for spelling in needed],
        "examples": [dict(example) for example in telemetry.examples], "$defs": {"id": DEFINITIONS["id"]},
    }  # fmt: skip


def _heading(result: Result) -> Schema:
    return {"$schema": DRAFT, "$id": f"urn:fire:{result.topic}:{SCHEMA_VERSION}", "title": result.title, "type": "object"}


def _example(column: Column, example: Mapping[str, Any]) -> Any:
    return SCHEMA_VERSION if column.type == "version" else example.get(column.name)


def of_column(column: Column) -> Schema:
    """Returns the schema of a column's values."""
    description = "; ".join(part for part in (column.unit, column.means) if part)
    return ({"description": description} if description else {}) | _or_null(column, _value(column))


def _or_null(column: Column, value: Schema) -> Schema:
    if not column.is_nullable:
        return value
    if "enum" in value:
        return {"enum": [*value["enum"], None]} if value["enum"] else {"type": "null"}
    if "type" in value:
        return value | {"type": [value["type"], "null"]}
    return {"anyOf": [value, {"type": "null"}]}


def _value(column: Column) -> Schema:
    """Returns the schema of a column's values other than null."""
    if column.type == "version":
        return {"const": SCHEMA_VERSION}
    if column.type == "word":
        return {"enum": list(column.words)}
    if column.values:
        return {"enum": list(column.values)}
    if column.type == "json":
        return dict(column.shape or {})
    if column.type == "words":
        return _list(column)
    if column.type in JSON_TYPES and column.type not in DEFINITIONS:
        return {"type": JSON_TYPES[column.type], **_bounds(column)}
    return {"$ref": f"#/$defs/{column.type}"} if _is_defined(column) else _text(column)


def _bounds(column: Column) -> Schema:
    bounds = {"minimum": column.least, "exclusiveMinimum": column.above, "maximum": column.most}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _list(column: Column) -> Schema:
    items = {"enum": list(column.items)} if column.items else {"type": "string", "minLength": 1}
    return {"type": "array", "items": items, **({"uniqueItems": True} if column.is_unique else {})}


def _text(column: Column) -> Schema:
    """Returns the schema of a text: any text, one that matches the column's pattern, or bytes in base64."""
    longest = {"maxLength": column.longest} if column.longest is not None else {}
    if column.type == "bytes":
        return {"type": "string", "contentEncoding": "base64", "pattern": BASE64, **longest}
    return {"type": "string", **({"pattern": column.pattern} if column.pattern else {"minLength": 1}), **longest}


def _is_defined(column: Column) -> bool:
    return column.type in DEFINITIONS and not column.pattern


def _definitions(columns: Iterable[Column]) -> dict[str, Schema]:
    used = {column.type for column in columns if _is_defined(column)}
    return {name: dict(DEFINITIONS[name]) for name in DEFINITIONS if name in used}


def _condition(result: Result, declared: Mapping[str, Any]) -> Schema:
    """Returns a condition of a result as `if`, `then` and `else`."""
    rule: Schema = {"if": {"properties": {name: _one_of(values) for name, values in declared["when"].items()}}}
    then = {name: {"type": _filled(result, name)} for name in declared.get("filled", ())}
    then |= {name: _one_of(words) for name, words in _words(result, declared).items()}
    for name, least in declared.get("least", {}).items():
        then[name] = then.get(name, {}) | {"minimum": least}
    then |= {name: {"maxItems": 0} for name in declared.get("empty_lists", ())}
    otherwise: Schema = {name: {"type": "null"} for name in declared.get("empty_otherwise", ())}
    otherwise |= {name: {"minItems": 1} for name in declared.get("filled_lists_otherwise", ())}
    rule["then"] = {"properties": then}
    return rule | ({"else": {"properties": otherwise}} if otherwise else {})


def _words(result: Result, declared: Mapping[str, Any]) -> dict[str, Iterable[Any]]:
    """Returns the words that columns can have if the condition is true."""
    filled = (result.column(name) for name in declared.get("filled", ()))
    return {**{column.name: column.words for column in filled if column.words}, **declared.get("words", {})}


def _filled(result: Result, name: str) -> str:
    return JSON_TYPES.get(result.column(name).type, "string")


def _one_of(values: Iterable[Any]) -> Schema:
    listed = list(values)
    return {"const": listed[0]} if len(listed) == 1 else {"enum": listed}


def _of_message(column: Column) -> Schema:
    """Returns the schema of a message's field: a number may be sent as text, and a field that may be absent may be null."""
    if column.type == "id":
        value = {"type": ["string", "null"], "maxLength": LONGEST_BYTES, "pattern": NO_CONTROL_CHARACTERS}
        value = value if column.is_nullable else {"$ref": "#/$defs/id"}
        return {"description": column.means, **value}
    if column.type == "time":
        return {"description": column.means, "type": ["string", "number", "null"]}
    form, pattern = _number_of_message(column)
    parts = (column.unit, column.means, form, "null if not measured" * column.is_nullable)
    number = _or_null(column, {"type": JSON_TYPES[column.type], **_bounds(column)})
    return {"description": "; ".join(part for part in parts if part), "anyOf": [number, {"type": "string", "pattern": pattern}]}


def _number_of_message(column: Column) -> tuple[str, str]:
    if column.type == "number":
        return "a number, also as text", NUMBER_AS_TEXT
    return "a whole number, also as text", COUNT_AS_TEXT if column.least == 0 else WHOLE_AS_TEXT
