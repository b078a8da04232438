"""The tables, checks and INSERTs of each job, as templates that the contract gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract import render_flink, render_store
from contract.model import CONTRACT, Result, Table
from jobs.flink.sql_files import Statement

ISO_TIME = "yyyy-MM-dd''T''HH:mm:ss.SSS''Z''"
"""How every topic writes a time, between the quotes of a SQL literal."""
CANDIDATES = "candidates"
"""The result that views write to, and the stage of the views that write to it."""
DEAD_LETTERS = "dead_letters"


def detect_sinks(connector: str) -> Iterator[str]:
    """The tables that the detect job writes to."""
    return (render_flink.sink(result, connector) for result in CONTRACT.written_by("detect"))


def detect_inserts(views: Iterable[Statement]) -> Iterator[str]:
    """A view of each result's name becomes the result, every view of the last stage becomes candidates."""
    yield from (render_flink.result_insert(result) for result in CONTRACT.written_by("detect") if result.name != CANDIDATES)
    candidates = CONTRACT.result(CANDIDATES)
    yield from (render_flink.view_insert(candidates, view.view, view.columns()) for view in views if view.stage == CANDIDATES)


def alert_sinks(results_in: str, alerts_in: str) -> Iterator[str]:
    """The tables that the alert job writes to; dead letters go where all of them go, which may be elsewhere than alerts."""
    yield render_flink.message_sink(CONTRACT.result(DEAD_LETTERS), results_in)
    yield from (render_flink.message_sink(result, alerts_in) for result in _alerts())


def alert_inserts(results_in: str, alerts_in: str) -> Iterator[str]:
    """The INSERTs into the same tables."""
    yield render_flink.message_insert(CONTRACT.result(DEAD_LETTERS), results_in)
    yield from (render_flink.message_insert(result, alerts_in) for result in _alerts())


def _alerts() -> Iterator[Result]:
    return (result for result in CONTRACT.written_by("alert") if result.name != DEAD_LETTERS)


def store_sources(connector: str) -> Iterator[str]:
    """What the store reads: each source as rows, and everything as bytes."""
    stored = CONTRACT.stored()
    yield from (render_store.source(name, results, connector) for name, results in stored.items())
    yield render_store.raw_source([result for results in stored.values() for result in results], connector)


def store_checks() -> Iterator[str]:
    """The views that say which rows can be stored."""
    return (render_store.checked(name, results) for name, results in CONTRACT.stored().items())


def store_tables() -> Iterator[str]:
    """What was left out, and the tables of the database."""
    yield render_store.unstorable(CONTRACT.stored())
    yield from (render_store.postgres_table(table) for table in _tables())
    yield render_store.postgres_table(render_store.REFUSALS)


def _tables() -> Iterator[Table]:
    return (table for result in CONTRACT.results for table in result.tables)


def store_inserts() -> list[str]:
    """The INSERTs into the tables of the database, by the tables' names."""
    inserts = {table.name: render_store.postgres_insert(table, name, results)
               for name, results in CONTRACT.stored().items() for result in results for table in result.tables}
    inserts[render_store.REFUSALS.name] = render_store.refusals_insert()
    return [inserts[name] for name in sorted(inserts)]


def archive_source(connector: str) -> str:
    """The readings, as the store reads them."""
    return render_store.source("readings", CONTRACT.stored()["readings"], connector)


def archive_table() -> str:
    """The Parquet files."""
    return render_store.archive_table(CONTRACT.result("readings"))


def archive_insert() -> str:
    """The INSERT into them."""
    return render_store.archive_insert(CONTRACT.result("readings"))
