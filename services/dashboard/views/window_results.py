"""View model of the window results: the stored rows of any of them for one device or site, as the contract declares them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import sql

from contract.declared import CONTRACT
from contract.model import Result, Table
from services.dashboard.problems import NotFoundError
from services.dashboard.sources import Sources
from services.dashboard.views import json_rows
from services.dashboard.views.paging import COUNTED, page, position


def _is_window(result: Result) -> bool:
    """Returns whether rows are identified by a subject and the time of a window."""
    types = [result.column(name).type for name in result.key]
    return bool(result.tables) and types[:2] == ["id", "time"] and result.key[0] == result.partition_by and "whole" not in types


WINDOWS = {result.topic: result for result in CONTRACT.results if _is_window(result)}
"""The window results by the name of their topic."""


def rows(sources: Sources, topic: str, subject: str, after: str | None, limit: int) -> dict[str, Any]:
    """Returns a page of a result's rows for one device or site, newest first.

    Raises:
        NotFoundError: there is no such window result.
        BadRequestError: the cursor does not belong to this list.
    """
    result = WINDOWS.get(topic)
    if result is None:
        raise NotFoundError(f"there is no window result {topic!r}; the results are {', '.join(sorted(WINDOWS))}")
    table, key = result.tables[0], result.key[1:]
    values = position(after, *(_python_type(result, name) for name in key))
    names = _names(result, table)
    found = sources.database.composed("window_results", names, subject=subject, limit=limit + 1,
                                      is_first=after is None, **dict(zip(key, values, strict=True)))
    total = sources.database.composed("window_results_total", names, subject=subject, most=COUNTED)[0]["total"]
    return page(found, limit, total, json_rows.plain, lambda row: [row[name] for name in key])


def _python_type(result: Result, name: str) -> type:
    return datetime if result.column(name).type == "time" else str


def _names(result: Result, table: Table) -> dict[str, sql.Composable]:
    subject, *key = result.key
    return {"table": sql.Identifier(table.name), "subject": sql.Identifier(subject),
            "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
            "key": sql.SQL(", ").join(map(sql.Identifier, key)),
            "after": sql.SQL(", ").join(_parameter(name, _python_type(result, name)) for name in key),
            "order": sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in key)}


def _parameter(name: str, python_type: type) -> sql.Composable:
    return sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL("timestamptz" if python_type is datetime else "text"))
