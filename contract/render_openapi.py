"""Renders the schemas of the dashboard's API that follow from results; the rest of openapi.yaml is written by hand."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator

from contract.marked import replaced
from contract.model import Column, Contract

FILE = "services/dashboard/openapi.yaml"
WIDTH = 120
TIME = "$ref: '#/components/schemas/Time'"
JSON_TYPES = {"number": "number", "score": "number", "whole": "integer", "version": "integer", "flag": "boolean"}
"""Type of a column → its type in JSON; every other type is a text."""
Property = tuple[str, str]
"""The name of a property and its schema as YAML."""


def render(contract: Contract, read: Callable[[str], str]) -> dict[str, str]:
    """Returns the description of the API with its generated part, path → text; `read` returns the present text of a file."""
    return {FILE: replaced(read(FILE), "schemas of results", _schemas(contract), FILE)}


def _schemas(contract: Contract) -> Iterator[str]:
    worst_first = ", ".join(reversed(contract.levels))
    yield f"Level: {{enum: [{worst_first}]}}"
    yield from _object("Measurements", _measurements(contract))
    yield from _object("Reading", [*_row(contract, "readings", ()), ("stored_at", f"{{{TIME}}}")])
    yield from _object("Patterns", _row(contract, "device_patterns", ("device_id", "site_id", "schema_version")))
    yield from _object("Series", [("minutes", f"{{type: array, items: {{{TIME}}}}}"), *_charts(contract)])
    yield from _object("Thresholds", ((each.chart, "{type: array, items: {type: number}}") for each in contract.charted))
    yield from _object("Correlation", _row(contract, "device_correlations", ("site_id", "schema_version")))


def _measurements(contract: Contract) -> Iterator[Property]:
    alerts = contract.result("alerts")
    yield from ((each.name, _type(alerts.column(each.name), is_nullable=True)) for each in contract.shown_with_alerts)


def _charts(contract: Contract) -> Iterator[Property]:
    """Yields the series of a device's day, with one value per minute."""
    yield from ((each.chart, f"{{type: array, items: {{type: [{JSON_TYPES[each.type]}, 'null']}}}}") for each in contract.charted)


def _row(contract: Contract, name: str, without: Collection[str]) -> Iterator[Property]:
    """Yields the columns of a result's table; those that the store does not require may be null."""
    result = contract.result(name)
    for column in result.tables[0].ordered:
        if column.name not in without:
            yield column.name, _type(column, is_nullable=not result.is_required(column))


def _type(column: Column, *, is_nullable: bool) -> str:
    if column.type == "time":
        return f"{{anyOf: [{{{TIME}}}, {{type: 'null'}}]}}" if is_nullable else f"{{{TIME}}}"
    if column.type == "words":
        of_texts = "{type: array, items: {type: string}}"
        return f"{{anyOf: [{of_texts}, {{type: 'null'}}]}}" if is_nullable else of_texts
    name = JSON_TYPES.get(column.type, "string")
    return f"{{type: [{name}, 'null']}}" if is_nullable else f"{{type: {name}}}"


def _object(name: str, properties: Iterable[Property]) -> Iterator[str]:
    schemas = dict(properties)
    yield from (f"{name}:", "  type: object", "  additionalProperties: false")
    yield from textwrap.wrap(f"required: [{', '.join(schemas)}]", WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield "  properties:"
    yield from (f"    {field}: {schema}" for field, schema in schemas.items())
