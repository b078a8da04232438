"""Templates of each job's tables, checks and INSERTs, rendered from the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract import crossing, render_flink, render_store
from contract.declared import CONTRACT
from contract.model import Result, Table
from jobs.flink.sql_files import Statement

ISO_TIME = "yyyy-MM-dd''T''HH:mm:ss.SSS''Z''"
"""Format of a time in every topic, escaped for a SQL literal."""
CANDIDATES = "candidates"
"""The result that several views write to, and the stage of these views."""
DEAD_LETTERS = "dead_letters"
FINISHED = {"readings": "readings", "reading_candidates": CANDIDATES}
"""View whose rows are finished messages where the sinks take them → the result that these belong to."""


def detect_sinks(connector: str) -> Iterator[str]:
    """Renders the tables that the detect job writes to."""
    finished = _finished(connector)
    yield from (render_flink.sink(result, connector) for result in CONTRACT.written_by("detect") if result.name not in finished)
    yield from (render_flink.finished_sink(view, result, connector) for view, result in finished.items())


def detect_inserts(views: Iterable[Statement], connector: str) -> Iterator[str]:
    """Renders the INSERTs of the detect job: each result from the view of its name, candidates from all views of their stage."""
    finished, candidates = _finished(connector), CONTRACT.result(CANDIDATES)
    yield from (render_flink.result_insert(result) for result in CONTRACT.written_by("detect")
                if result.name not in (CANDIDATES, *finished))
    yield from (render_flink.view_insert(candidates, view.view, view.columns()) for view in views
                if view.stage == CANDIDATES and view.view not in finished)
    yield from (render_flink.finished_insert(view, result, connector) for view, result in finished.items())


def _finished(connector: str) -> dict[str, Result]:
    """Returns the views whose rows are finished messages, with the results that these belong to."""
    return {view: CONTRACT.result(name) for view, name in FINISHED.items()} if crossing.takes_messages(connector) else {}


def alert_sinks(results_in: str, alerts_in: str) -> Iterator[str]:
    """Renders the tables that the alert job writes to; dead letters use the connector of results, alerts may use another one."""
    yield render_flink.message_sink(CONTRACT.result(DEAD_LETTERS), results_in)
    yield from (render_flink.message_sink(result, alerts_in) for result in _alerts())


def alert_inserts(results_in: str, alerts_in: str) -> Iterator[str]:
    """Renders the INSERTs into the tables of `alert_sinks`."""
    yield render_flink.message_insert(CONTRACT.result(DEAD_LETTERS), results_in)
    yield from (render_flink.message_insert(result, alerts_in) for result in _alerts())


def _alerts() -> Iterator[Result]:
    return (result for result in CONTRACT.written_by("alert") if result.name != DEAD_LETTERS)


def store_sources(connector: str) -> Iterator[str]:
    """Renders the tables that the store reads: each source as rows, and everything once more as bytes."""
    stored = CONTRACT.stored()
    yield from (render_store.source(name, results, connector) for name, results in stored.items())
    yield render_store.raw_source([result for results in stored.values() for result in results], connector)


def store_checks() -> Iterator[str]:
    """Renders the views that check which rows can be stored."""
    return (render_store.checked(name, results) for name, results in CONTRACT.stored().items())


def store_tables() -> Iterator[str]:
    """Renders the view of records that cannot be stored, and the tables of the database."""
    yield render_store.unstorable(CONTRACT.stored())
    yield from (render_store.postgres_table(table) for table in _tables())
    yield render_store.postgres_table(render_store.REFUSALS)


def _tables() -> Iterator[Table]:
    return (table for result in CONTRACT.results for table in result.tables)


def store_inserts() -> list[str]:
    """Renders the INSERTs into the tables of the database, in the order of the tables' names."""
    inserts = {table.name: render_store.postgres_insert(table, name, results)
               for name, results in CONTRACT.stored().items() for result in results for table in result.tables}
    inserts[render_store.REFUSALS.name] = render_store.refusals_insert()
    return [inserts[name] for name in sorted(inserts)]


def archive_source(connector: str) -> str:
    """Renders the table from which the archive reads the readings, which equals the store's."""
    return render_store.source("readings", CONTRACT.stored()["readings"], connector)


def archive_table() -> str:
    """Renders the table of the Parquet files."""
    return render_store.archive_table(CONTRACT.result("readings"))


def archive_insert() -> str:
    """Renders the INSERT into the Parquet files."""
    return render_store.archive_insert(CONTRACT.result("readings"))
