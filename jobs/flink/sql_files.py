"""Reads the files of `sql/`, each with one view or source of a job, in the order in which the job declares them.

The numbers of a job's folders give the order, and within a folder the names of the files. The settings choose between files that
are variants of one source or view. Every `${NAME}` is replaced by its value; all names without a value are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from core.errors import FireError
from core.installation import ROOT

SQL = ROOT / "sql"
NOTHING: Mapping[str, str] = MappingProxyType({})
NAME = re.compile(r"\$\{(\w+)\}")
VIEW = re.compile(r"(?:--.*\n)*CREATE TEMPORARY VIEW (\w+) AS\s")
INSERTED = re.compile(r"\nFROM (\w+)")
VARIANTS = frozenset({"file", "records", "kafka", "kinesis", "keep_first", "keep_all"})
"""Names of files that are variants; a job declares only the chosen ones."""


class PipelineError(FireError):
    """A statement that cannot be rendered or declared; the message names it, what is missing and the remedy."""


@dataclass(frozen=True)
class Statement:
    """A rendered statement of a job; `stage` is the name of its folder without the number, empty if it has no file."""

    origin: str
    sql: str
    stage: str = ""

    @property
    def view(self) -> str:
        """The name of the view that the statement declares; empty if it declares something else."""
        match = VIEW.match(self.sql)
        return match[1] if match else ""

    @property
    def inserted(self) -> str:
        """The view whose rows the statement inserts; empty if it is not an INSERT."""
        found = INSERTED.search(self.sql) if self.sql.startswith("INSERT INTO ") else None
        return found[1] if found else ""

    @property
    def query(self) -> str:
        """The query of the view that the statement declares; empty if it declares something else."""
        match = VIEW.match(self.sql)
        return self.sql[match.end():] if match else ""

    def columns(self) -> tuple[str, ...]:
        """Returns the columns of the view, as its outermost SELECT names them.

        Raises:
            PipelineError: the SELECT contains `*`, or an expression without a name.
        """
        names = tuple(_name(item) for item in _selected(self.query))
        if not names or not all(names):
            raise PipelineError(f"{self.origin} must name each of its columns, because an INSERT is rendered from them; "
                                "write `expression AS name` instead of * or a bare expression")
        return names


def statements(job: str, values: Mapping[str, str], chosen: Collection[str] = ()) -> list[Statement]:
    """Renders the statements of a job's files, in order; of variants only the chosen ones.

    Raises:
        PipelineError: the job has no files, or a `${NAME}` has no value.
    """
    return [Statement(str(_shown(file)), statement(file, values), file.parent.name.partition("_")[2])
            for file in files(job, chosen)]


def files(job: str, chosen: Collection[str] = ()) -> list[Path]:
    """Lists the files of a job's folders in order; of variants only the chosen ones.

    Raises:
        PipelineError: the job has no files.
    """
    in_order = [file for file in sorted((SQL / job).glob("*/*.sql")) if file.stem not in VARIANTS or file.stem in chosen]
    if not in_order:
        raise PipelineError(f"sql/{job} contains no folder with .sql files; name a job that has one")
    return in_order


def rendered(templates: Iterable[str], values: Mapping[str, str]) -> list[Statement]:
    """Renders statements from templates of the contract.

    Raises:
        PipelineError: a `${NAME}` has no value.
    """
    return [Statement(f"contract/, {_title(template)}", replaced(template, values, f"contract/, {_title(template)}"))
            for template in templates]


def expression(file: str, values: Mapping[str, str] = NOTHING) -> str:
    """Renders an expression from a file below `sql/`, without its comments, for use as the value of a `${NAME}`.

    Raises:
        PipelineError: a `${NAME}` has no value.
    """
    lines = (SQL / file).read_text(encoding="utf-8").splitlines()
    return replaced("\n".join(line for line in lines if not line.startswith("--")), values, f"sql/{file}")


def message_time() -> str:
    """Renders the expression for the time that a message states, epoch milliseconds."""
    return expression("detect/message_time.sql", {"STAMP": expression("detect/stamp.sql")})


def statement(file: Path, values: Mapping[str, str]) -> str:
    """Renders the statement of a file.

    Raises:
        PipelineError: a `${NAME}` has no value.
    """
    return replaced(file.read_text(encoding="utf-8"), values, str(_shown(file)))


def replaced(template: str, values: Mapping[str, str], origin: str) -> str:
    """Replaces every `${NAME}` of a template by its value; `origin` names the template in errors.

    Raises:
        PipelineError: a `${NAME}` has no value.
    """
    missing = sorted({name for name in NAME.findall(template) if name not in values})
    if missing:
        raise PipelineError(f"{origin} needs {', '.join(f'${{{name}}}' for name in missing)}, for which the job has no value; "
                            "add it to the job's substitutions() or to Settings")
    return NAME.sub(lambda match: values[match[1]], template).strip().rstrip(";")


def _title(template: str) -> str:
    """Returns the first line that is not a comment, up to its parenthesis."""
    return next(line for line in template.splitlines() if not line.startswith("--")).rstrip(" (")


def _selected(query: str) -> Iterator[str]:
    """Yields the items of the outermost SELECT, which ends at the first line that begins with FROM."""
    items = re.sub(r"(?m)^ *--.*\n", "", query).removeprefix("SELECT").partition("\nFROM ")[0]
    depth, item = 0, ""
    for letter in items:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            yield item
            item = ""
        else:
            item += letter
    yield item


def _name(item: str) -> str:
    """Returns the column name of an item of a SELECT; empty if the item has none."""
    match = re.fullmatch(r"(?:[\s\S]*\sAS\s+)?`?([a-z_]\w*)`?", item.strip())
    return match[1] if match else ""


def _shown(file: Path) -> Path:
    return file.relative_to(SQL.parent) if file.is_relative_to(SQL.parent) else file
