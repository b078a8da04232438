"""`./fire generate`: writes what the contract says into the files that repeat it; `--check` only says which are behind."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from commands import reference
from contract import render_cloudformation, render_json_schema, render_markdown, render_openapi
from contract.model import CONTRACT, Contract
from core.errors import FireError
from core.installation import ROOT
from core.logs import reporter
from core.settings import Settings

WHOLE = {"infra/schemas": "*.schema.json", "docs/reference": "*.md"}
"""Folders in which every file of this kind is generated."""


class GenerateError(FireError):
    """A generated file is not what the contract says; the text names it."""


def run(args: argparse.Namespace) -> int:
    """Writes what is behind, or with `args.check` fails if there is any."""
    report = reporter("generate", Settings.load())
    if args.check:
        check(ROOT, files(CONTRACT, ROOT))
        return 0
    for path in write(ROOT, files(CONTRACT, ROOT)):
        report(path)
    return 0


def files(contract: Contract, root: Path) -> dict[str, str]:
    """Every generated file: its path in the repository, and its text; generated parts are put into the files under `root`."""
    def read(path: str) -> str:
        return (root / path).read_text(encoding="utf-8")

    return {
        **render_json_schema.render(contract), **render_markdown.render(contract), **reference.render(),
        **render_cloudformation.render(contract, read), **render_openapi.render(contract, read),
    }  # fmt: skip


def check(root: Path, rendered: Mapping[str, str]) -> None:
    """Compares the files under `root` with what they should be.

    Raises:
        GenerateError: one of them differs, is missing or is not rendered any more.
    """
    behind = [*_changed(root, rendered), *_left_over(root, rendered)]
    if behind:
        raise GenerateError(f"{', '.join(behind)}: not what contract/ says; run ./fire generate and commit what it writes")


def write(root: Path, rendered: Mapping[str, str]) -> list[str]:
    """Brings the files under `root` up to date; the paths that it wrote or deleted."""
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
    found = (str(file.relative_to(root)) for folder, kind in WHOLE.items() for file in sorted((root / folder).glob(kind)))
    return [path for path in found if path not in rendered]
