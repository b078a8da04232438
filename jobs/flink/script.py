"""The statements of a job: declarations, then the INSERTs that Flink runs as one job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jobs.flink.sql_files import PipelineError, Statement

if TYPE_CHECKING:
    from pyflink.table import StatementSet, StreamTableEnvironment


@dataclass(frozen=True)
class Script:
    """The statements of a job, in the order in which they are executed."""

    declarations: tuple[Statement, ...]
    inserts: tuple[Statement, ...]
    in_python: str = ""
    """A sentence for readers of the script about what the job declares in Python."""

    def writing(self, views: Collection[str]) -> Script:
        """Returns the script with the INSERTs of these views only.

        Raises:
            PipelineError: there is no INSERT of one of them.
        """
        missing = sorted(set(views) - {statement.inserted for statement in self.inserts})
        if missing:
            raise PipelineError(f"the job does not write {', '.join(missing)}; name views that an INSERT of `./fire sql` reads")
        return replace(self, inserts=tuple(each for each in self.inserts if each.inserted in views))

    def tables(self) -> Script:
        """Returns the script with the declarations of tables only."""
        return replace(self, declarations=tuple(each for each in self.declarations if not each.view))

    def views(self) -> Script:
        """Returns the script with the declarations of views only, which read the tables."""
        return replace(self, declarations=tuple(each for each in self.declarations if each.view))

    def declare(self, t_env: StreamTableEnvironment) -> None:
        """Declares the tables and views.

        Raises:
            PipelineError: Flink refuses a statement.
        """
        for statement in self.declarations:
            try:
                _declare(t_env, statement)
            except Exception as refusal:
                raise PipelineError(f"{statement.origin} is refused by Flink: {_cause(refusal)}") from refusal

    def statement_set(self, t_env: StreamTableEnvironment) -> StatementSet:
        """Returns the INSERTs as one statement set, which becomes one job."""
        inserts = t_env.create_statement_set()
        for statement in self.inserts:
            inserts.add_insert_sql(statement.sql)
        return inserts

    def __str__(self) -> str:
        """Formats the script for people: each statement below its origin."""
        note = [f"-- {self.in_python}"] if self.in_python else []
        return "\n\n".join([*note, *map(_readable, (*self.declarations, *self.inserts))]) + "\n"


def _declare(t_env: StreamTableEnvironment, statement: Statement) -> None:
    if statement.view:
        # A view declared as a table is parsed once; as text it is parsed again at each use, a third of the client's time.
        t_env.create_temporary_view(statement.view, t_env.sql_query(statement.query))
    else:
        t_env.execute_sql(statement.sql)


def _readable(statement: Statement) -> str:
    lines = [line.rstrip() for line in statement.sql.splitlines() if line.strip()]
    return "\n".join([f"-- [{statement.origin}]", *lines]) + ";"


def _cause(refusal: Exception) -> str:
    """Extracts the messages of a Java stack trace, without its frames."""
    lines = [line for line in str(refusal).splitlines() if line.strip() and not line.startswith("\tat ")]
    return " / ".join(line.strip() for line in lines if "xception" in line or "rror" in line)[:2000] or str(refusal)[:2000]
