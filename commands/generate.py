"""`./fire generate`: renders the files that repeat the contract; `--check` only names those that are out of date."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from commands import reference
from commands.bench import sizing
from contract import render_cloudformation, render_json_schema, render_markdown, render_openapi
from contract.declared import CONTRACT
from contract.model import Contract
from core.errors import FireError
from core.installation import ROOT
from core.logs import reporter
from core.settings import Settings

WHOLE = {"infra/schemas": "*.schema.json", "docs/reference": "*.md"}
"""Patterns of the generated files by folder; no other file in these folders may match."""


class GenerateError(FireError):
    """A generated file differs from the contract; the text names the file and the remedy."""


def run(args: argparse.Namespace) -> int:
    """Writes the files that are out of date, or with `args.check` fails if there are any."""
    report = reporter("generate", Settings.load())
    if args.check:
        check(ROOT, files(CONTRACT, ROOT))
        return 0
    for path in write(ROOT, files(CONTRACT, ROOT)):
        report(path)
    return 0


def files(contract: Contract, root: Path) -> dict[str, str]:
    """Returns the text of every generated file by its path; files with generated parts keep the rest of their text in `root`."""
    def read(path: str) -> str:
        return (root / path).read_text(encoding="utf-8")

    return {
        **render_json_schema.render(contract), **render_markdown.render(contract), **reference.render(),
        **render_cloudformation.render(contract, read), **render_openapi.render(contract, read), **sizing.render(read),
    }  # fmt: skip


def check(root: Path, rendered: Mapping[str, str]) -> None:
    """Compares the files in `root` with their rendered texts.

    Raises:
        GenerateError: a file differs, is missing or is no longer rendered.
    """
    outdated = [*_changed(root, rendered), *_left_over(root, rendered)]
    if outdated:
        raise GenerateError(f"generated files must agree with contract/ and these do not: {', '.join(outdated)}; "
                            "run ./fire generate and commit the result")


def write(root: Path, rendered: Mapping[str, str]) -> list[str]:
    """Updates the files in `root` and returns the paths of those that it wrote or deleted."""
    changed, left_over = _changed(root, rendered), _left_over(root, rendered)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(rendered[path], encoding="utf-8")
    for path in left_over:
        (root / path).unlink()
    return [*changed, *left_over]


def _changed(root: Path, rendered: Mapping[str, str]) -> list[str]:
    return [path for path, text in rendered.items()
            if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text]


def _left_over(root: Path, rendered: Mapping[str, str]) -> list[str]:
    present = (str(file.relative_to(root)) for folder, pattern in WHOLE.items() for file in sorted((root / folder).glob(pattern)))
    return [path for path in present if path not in rendered]
