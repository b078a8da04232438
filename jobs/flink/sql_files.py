"""Reads the files of `sql/`: one view or source of a job each, in the order in which the job declares them.

The folders of a job have numbers, and so does their order; within a folder it is the order of names. Of files that are variants
of one thing, the settings choose. `${NAME}` is replaced from a job's names, strictly: every name that is missing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import FireError
from core.installation import ROOT

SQL = ROOT / "sql"
NAME = re.compile(r"\$\{(\w+)\}")
VIEW = re.compile(r"(?:--.*\n)*CREATE TEMPORARY VIEW (\w+) AS\s")
INSERTED = re.compile(r"\nFROM (\w+)")
VARIANTS = frozenset({"file", "kafka", "kinesis", "keep_first", "keep_all"})
"""Names of files of which a job declares only the chosen ones."""


class PipelineError(FireError):
    """A statement cannot be made or declared; the text names it, what is missing and the remedy."""


@dataclass(frozen=True)
class Statement:
    """A statement of a job with every `${NAME}` replaced; `stage` is its folder without the number, empty if it has no file."""

    origin: str
    sql: str
    stage: str = ""

    @property
    def view(self) -> str:
        """The view that it declares; empty if it declares something else."""
        found = VIEW.match(self.sql)
        return found[1] if found else ""

    @property
    def inserted(self) -> str:
        """The view whose rows the statement inserts; empty if it is not an INSERT."""
        found = INSERTED.search(self.sql) if self.sql.startswith("INSERT INTO ") else None
        return found[1] if found else ""

    @property
    def query(self) -> str:
        """The query of the view."""
        found = VIEW.match(self.sql)
        return self.sql[found.end():] if found else ""

    def columns(self) -> tuple[str, ...]:
        """The columns that the view gives, as its outermost SELECT names them.

        Raises:
            PipelineError: it gives `*`, or an expression without a name.
        """
        names = tuple(_name(item) for item in _selected(self.query))
        if not names or not all(names):
            raise PipelineError(f"{self.origin} must name each of its columns, because an INSERT is made of them; "
                                "write `expression AS name`, and no *")
        return names


def statements(job: str, names: Mapping[str, str], chosen: Collection[str] = ()) -> list[Statement]:
    """The statements of a job's files, in order.

    Raises:
        PipelineError: the job has no files, or names are missing.
    """
    return [Statement(str(_shown(file)), statement(file, names), file.parent.name.partition("_")[2])
            for file in files(job, chosen)]


def files(job: str, chosen: Collection[str] = ()) -> list[Path]:
    """The files of a job's folders in order; of variants only the chosen ones.

    Raises:
        PipelineError: the job has none.
    """
    found = [file for file in sorted((SQL / job).glob("*/*.sql")) if file.stem not in VARIANTS or file.stem in chosen]
    if not found:
        raise PipelineError(f"sql/{job} holds no folder with .sql files; name a job that has one")
    return found


def rendered(templates: Iterable[str], names: Mapping[str, str]) -> list[Statement]:
    """Statements that the contract gives, with every `${NAME}` replaced.

    Raises:
        PipelineError: names are missing.
    """
    return [Statement(f"contract/, {_title(template)}", replaced(template, names, f"contract/, {_title(template)}"))
            for template in templates]


def expression(file: str) -> str:
    """An expression kept in a file below `sql/`, without its comments, to be given to a job's names."""
    lines = (SQL / file).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()


def statement(file: Path, names: Mapping[str, str]) -> str:
    """The statement of a file with every `${NAME}` replaced.

    Raises:
        PipelineError: names are missing.
    """
    return replaced(file.read_text(encoding="utf-8"), names, str(_shown(file)))


def replaced(template: str, names: Mapping[str, str], origin: str) -> str:
    """A template with every `${NAME}` replaced.

    Raises:
        PipelineError: names are missing.
    """
    missing = sorted({name for name in NAME.findall(template) if name not in names})
    if missing:
        raise PipelineError(f"{origin} needs {', '.join(f'${{{name}}}' for name in missing)}, which the job does not "
                            "give; add it to the job's names or to Settings")
    return NAME.sub(lambda match: names[match[1]], template).strip().rstrip(";")


def _title(template: str) -> str:
    """The first line that is not a comment, up to its parenthesis."""
    return next(line for line in template.splitlines() if not line.startswith("--")).rstrip(" (")


def _selected(query: str) -> Iterator[str]:
    """The items of the outermost SELECT, which ends where a line begins with FROM."""
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
    """The name that an item gives its column; empty if it has none."""
    found = re.fullmatch(r"(?:[\s\S]*\sAS\s+)?`?([a-z_]\w*)`?", item.strip())
    return found[1] if found else ""


def _shown(file: Path) -> Path:
    return file.relative_to(SQL.parent) if file.is_relative_to(SQL.parent) else file
