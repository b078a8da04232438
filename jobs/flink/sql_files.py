"""Pours the files of `sql/` into Flink, stage by stage; the only reader of SQL files.

A file holds one statement and is named for its table or view. `${NAME}` is replaced from a job's names, strictly: every
name that is missing is reported, all at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import FireError
from core.installation import ROOT

if TYPE_CHECKING:
    from pyflink.table import StatementSet, StreamTableEnvironment

SQL = ROOT / "sql"
NAME = re.compile(r"\$\{(\w+)\}")
VIEW = re.compile(r"(?:--.*\n)*CREATE TEMPORARY VIEW (\w+) AS\s")


class PipelineError(FireError):
    """A stage cannot be declared; the text names the file, what is missing and the remedy."""


class Pipeline:
    """The stages of one job, declared in order in a table environment."""

    def __init__(self, t_env: StreamTableEnvironment, names: Mapping[str, str]) -> None:
        self._t_env = t_env
        self._names = names

    def declare(self, *folders: str) -> None:
        """Executes every statement of the folders (below `sql/`), in the order of folders and file names."""
        for file in files(folders):
            self._execute(file, self._names)

    def declare_each(self, file: str, names: Iterable[Mapping[str, str]]) -> None:
        """Executes one statement, a template, once for every set of further names."""
        for more in names:
            self._execute(SQL / file, {**self._names, **more})

    def inserts(self, *folders: str) -> StatementSet:
        """All INSERTs of the folders as one statement set, so that they become one job."""
        statements = self._t_env.create_statement_set()
        for file in files(folders):
            statements.add_insert_sql(statement(file, self._names))
        return statements

    def _execute(self, file: Path, names: Mapping[str, str]) -> None:
        sql = statement(file, names)
        view = VIEW.match(sql)
        try:
            if view:
                # Kept as a table, a view is read once; as text again by whatever uses it, a third of the client's time.
                self._t_env.create_temporary_view(view[1], self._t_env.sql_query(sql[view.end():]))
            else:
                self._t_env.execute_sql(sql)
        except Exception as refusal:
            raise PipelineError(f"{_shown(file)} is refused by Flink: {_cause(refusal)}") from refusal


def files(folders: Iterable[str]) -> list[Path]:
    """The SQL files of the folders, in order.

    Raises:
        PipelineError: a folder does not exist or holds no statement.
    """
    found = []
    for folder in folders:
        inside = sorted((SQL / folder).glob("*.sql"))
        if not inside:
            raise PipelineError(f"sql/{folder} holds no .sql file; name a folder that does")
        found += inside
    return found


def expression(file: str) -> str:
    """An expression kept in a file below `sql/`, without its comments, to be given to a job's names."""
    lines = (SQL / file).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()


def statement(file: Path, names: Mapping[str, str]) -> str:
    """The statement of a file with every `${NAME}` replaced.

    Raises:
        PipelineError: names are missing.
    """
    template = file.read_text(encoding="utf-8")
    missing = sorted({name for name in NAME.findall(template) if name not in names})
    if missing:
        raise PipelineError(f"{_shown(file)} needs {', '.join(f'${{{name}}}' for name in missing)}, which the job does not "
                            "give; add it to the job's names or to Settings")
    return NAME.sub(lambda match: names[match[1]], template).strip().rstrip(";")


def _shown(file: Path) -> Path:
    return file.relative_to(SQL.parent) if file.is_relative_to(SQL.parent) else file


def _cause(refusal: Exception) -> str:
    """The lines of a Java stack trace that say why, without the frames."""
    said = [line for line in str(refusal).splitlines() if line.strip() and not line.startswith("\tat ")]
    return " / ".join(line.strip() for line in said if "xception" in line or "rror" in line)[:2000] or str(refusal)[:2000]
