"""Rules of the code: imports point down, jobs/ contains what Flink runs, a file of sql/ has one view, a name has one meaning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.installation import ROOT

LAYERS = {
    "core": (),
    "contract": (),
    "udfs": ("contract", "core.errors"),
    "jobs": ("contract", "core", "udfs"),
    "services": ("contract", "core", "jobs", "udfs"),
    "infra": ("contract", "core", "jobs", "udfs"),
    "commands": ("contract", "core", "infra", "jobs", "services", "udfs"),
}
"""Package → the packages or modules that it may import besides itself."""
FLINK_RUNS = {"__init__.py", "detect.py", "alert.py", "store.py", "archive.py"}
ONE_MEANING = {
    "archive",  # the Parquet archive: the job that writes it, the reader that replays it
    "dashboard", "flink", "kafka", "postgres", "stack",  # the part of the system that the package starts, asks or measures
    "errors",  # exceptions of a package
    "functions",  # functions that Flink calls
    "retention",  # how long rows are kept: the service, and how the embedded stack starts it
    "server",  # the entry of a service
}  # fmt: skip
"""Names of modules that several packages use with the same meaning."""
MODULES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the line and dotted name of every import in a module, also within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def allowed(layer: str, name: str) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in (layer, *LAYERS[layer]))


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_imports_point_down(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    upward = [f"line {line}: {name}" for line, name in imported(path)
              if name.split(".")[0] in LAYERS and not allowed(layer, name)]
    assert not upward, f"{shown(path)} may import {', '.join(LAYERS[layer]) or 'nothing'} of the project, and imports {upward}"


def test_the_rule_sees_an_upward_import(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def late():\n    from services.notify import server\n", encoding="utf-8")
    assert [name for _, name in imported(module)] == ["services.notify.server"]
    assert not allowed("jobs", "services.notify.server") and allowed("udfs", "core.errors.FireError")
    assert not allowed("udfs", "core.settings.Settings")


def test_top_of_jobs_is_exactly_what_flink_runs() -> None:
    assert {path.name for path in (ROOT / "jobs").glob("*.py")} == FLINK_RUNS


def test_scoring_needs_no_flink() -> None:
    need_flink = {shown(path) for path in MODULES if any(name.startswith("pyflink") for _, name in imported(path))}
    of_workers = {name for name in need_flink if name.startswith("udfs/")}
    assert of_workers == {"udfs/alerts/process.py", "udfs/minutes/functions.py", "udfs/readings/functions.py"}


def test_every_file_of_sql_has_at_most_one_view_and_no_insert() -> None:
    for path in sorted((ROOT / "sql").rglob("*.sql")):
        code = re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\b(INSERT INTO|CREATE TABLE)\b", code), f"{shown(path)}: contract/ declares tables and inserts"
        assert len(re.findall(r"\bCREATE TEMPORARY VIEW\b", code)) <= 1, f"{shown(path)} declares more than one view"


def test_number_of_sql_files_is_bounded() -> None:
    assert len(list((ROOT / "sql").rglob("*.sql"))) <= 90


def test_folders_of_sql_run_in_name_order() -> None:
    for job in ("detect", "alert", "store", "archive"):
        names = [folder.name for folder in sorted((ROOT / "sql" / job).iterdir()) if folder.is_dir()]
        assert all(re.fullmatch(r"\d\d_[a-z_]+", name) for name in names), names
        assert len({name[:2] for name in names}) == len(names), f"sql/{job}: two folders share a number"


def test_a_module_name_has_one_meaning() -> None:
    named: dict[str, list[str]] = {}
    for path in MODULES:
        named.setdefault(path.stem, []).append(shown(path))
    shared = {stem: paths for stem, paths in named.items() if len(paths) > 1 and stem not in ONE_MEANING | {"__init__"}}
    assert not shared, f"rename one of each, or say in ONE_MEANING what both mean: {shared}"


def test_no_module_has_a_meaningless_name() -> None:
    assert not [shown(path) for path in MODULES if path.stem in {"utils", "helpers", "common", "manager", "misc"}]
