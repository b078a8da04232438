"""The tables of the migrations are those that the contract declares: names, types, keys, and what may be null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from contract.declared import CONTRACT
from contract.model import Column, Result, Table
from tests.support.databases import Server

POSTGRES = {
    "id": {"text"}, "name": {"text"}, "word": {"text"}, "text": {"text"}, "bytes": {"text"}, "time": {"timestamptz"},
    "number": {"float8"}, "score": {"float8"}, "whole": {"int4", "int8"}, "version": {"int4"}, "flag": {"bool"},
    "words": {"jsonb", "_text"}, "json": {"jsonb"},
}  # fmt: skip
"""Type of a column → the types of Postgres that can store it."""
STORED = [(result, table) for result in CONTRACT.results for table in result.tables]
Columns = dict[str, tuple[str, bool]]

COLUMNS: LiteralString = """
    SELECT table_name, column_name, udt_name, is_nullable = 'YES'
    FROM information_schema.columns WHERE table_schema = 'public'"""
KEYS: LiteralString = """
    SELECT conrelid::regclass::text, attname FROM pg_constraint
    CROSS JOIN LATERAL unnest(conkey) WITH ORDINALITY AS part (number, place)
    JOIN pg_attribute ON attrelid = conrelid AND attnum = part.number
    WHERE contype = 'p' AND connamespace = 'public'::regnamespace ORDER BY conrelid, place"""


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(**server.migrated()) as connection:
        yield connection


def columns_of(database: psycopg.Connection[Any], table: str) -> Columns:
    """Returns the columns of a table: name → type, and whether it may be null."""
    return {name: (kind, may_be_null) for of, name, kind, may_be_null in database.execute(COLUMNS).fetchall() if of == table}


def shown(pair: tuple[Result, Table]) -> str:
    return pair[1].name


@pytest.mark.parametrize("stored", STORED, ids=shown)
def test_table_has_every_column_of_its_result_with_a_suitable_type(
        stored: tuple[Result, Table], database: psycopg.Connection[Any]) -> None:
    _, table = stored
    present = columns_of(database, table.name)
    missing = [column.name for column in table.columns if column.name not in present]
    assert not missing, f"table {table.name} lacks {missing}; add a migration to infra/postgres/migrations"
    wrong = [f"{column.name} is {present[column.name][0]}" for column in table.columns
             if present[column.name][0] not in POSTGRES[column.type]]
    assert not wrong


@pytest.mark.parametrize("stored", STORED, ids=shown)
def test_table_has_the_declared_key(stored: tuple[Result, Table], database: psycopg.Connection[Any]) -> None:
    _, table = stored
    assert tuple(name for of, name in database.execute(KEYS).fetchall() if of == table.name) == table.key


@pytest.mark.parametrize("stored", STORED, ids=shown)
def test_table_accepts_every_row_that_the_store_accepts(stored: tuple[Result, Table], database: psycopg.Connection[Any]) -> None:
    """A column that the store does not require may be null; columns that the store adds are not considered."""
    result, table = stored
    present = columns_of(database, table.name)
    of_result = [column for column in table.columns if column in result.columns]

    def is_required(column: Column) -> bool:
        return result.is_required(column) or column.name in table.key

    differing = [column.name for column in of_result if present[column.name][1] == is_required(column)]
    assert not differing


@pytest.mark.parametrize("stored", STORED, ids=shown)
def test_table_has_no_undeclared_column_that_is_required(
        stored: tuple[Result, Table], database: psycopg.Connection[Any]) -> None:
    _, table = stored
    declared = {column.name for column in table.columns}
    assert not [name for name in required_without_default(database, table.name) if name not in declared]


def required_without_default(database: psycopg.Connection[Any], table: str) -> list[str]:
    rows = database.execute("""SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL""", [table])
    return [name for (name,) in rows.fetchall()]
