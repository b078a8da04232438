"""Every command, module, file, heading, metric, setting, table and rule that the documents name exists."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest

from commands import cli
from core.installation import ROOT
from core.settings import Settings, variable
from tests.infra.test_monitoring import ALERTS, RECORDS

PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"}
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
GENERATED_COMMANDS = "docs/reference/commands.md"
"""The page that is generated from the help of the parsers; its lines are not commands to try."""
SPANS = [(name, span) for name, text in TEXT.items() if name != GENERATED_COMMANDS
         for span in [*"\n".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines(),
                      *(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", BLOCK.sub("", text)))]]
NAMES = next(each for each in cli.build_parser()._actions if isinstance(each, argparse._SubParsersAction)).choices
SCHEMA = (ROOT / "infra/postgres/schema.sql").read_text(encoding="utf-8")
COMPOSE = set(re.findall(r"\$\{(FIRE_\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
SOURCES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "services" / "metrics").glob("*.py"))


def command_lines() -> list[tuple[str, str]]:
    """Returns every `./fire …` of the guide, without comments and without what follows a pipe, `>` or `&&`."""
    found = [(name, re.sub(r"\s+#.*", "", part.strip())) for name, span in SPANS for part in re.split(r"&&|\||\s>\s", span)]
    return [(name, part[part.index("./fire"):]) for name, part in found if "./fire " in part]


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_command_of_the_guide_is_accepted(page: str, line: str) -> None:
    words = [re.sub(r"^TIME$", "2025-10-09T18:00:00Z", word) for word in shlex.split(line)[1:]]
    if len(words) == 1:
        assert words[0] in NAMES
    else:
        assert cli.parse([*words, *(["PATH"] if words[-1] == "--from" else [])]).command == words[0]


@pytest.mark.parametrize(("page", "span"), [each for each in SPANS if "python -m " in each[1]])
def test_module_of_the_guide_exists(page: str, span: str) -> None:
    for module in re.findall(r"python -m ([\w.]+)", span):
        assert any((ROOT / f"{module.replace('.', '/')}{end}.py").exists() for end in ("", "/__main__")), module


@pytest.mark.parametrize("page", TEXT)
def test_links_lead_to_files_and_headings_that_exist(page: str) -> None:
    for target in re.findall(r"\]\(([^):]+)\)", TEXT[page]):
        path, _, heading = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        assert not heading or heading in anchors(file), target


def anchors(file: Path) -> list[str]:
    """Returns the anchors of a page's headings: in lower case, without punctuation, with dashes for spaces."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", TEXT)
def test_settings_and_metrics_exist(page: str) -> None:
    known = {variable(each.name) for each in fields(Settings)} | COMPOSE
    named = set(re.findall(r"\b(FIRE_[A-Z_]*[A-Z])\b(?!_)", TEXT[page]))
    assert named <= known
    recorded = {rule["record"] for rule in RECORDS}
    assert set(re.findall(r"\bfire:[\w:]+", TEXT[page])) - {"fire:environment"} <= recorded  # AWS's cost allocation tag
    for metric in set(re.findall(r"\bfire_\w+", TEXT[page])) - {"fire_replaced"}:
        assert f'"{metric.removesuffix("_total")}"' in SOURCES, metric


@pytest.mark.parametrize(("page", "span"), [each for each in SPANS if each[1].startswith("SELECT")])
def test_table_of_a_query_exists(page: str, span: str) -> None:
    for table in re.findall(r"FROM (\w+)", span):
        assert f"CREATE TABLE {table} (" in SCHEMA, table


def test_every_rule_has_its_section_and_every_section_its_rule() -> None:
    rules = TEXT["docs/operations/troubleshooting.md"].partition("## Rules")[2]
    assert re.findall(r"^### (\w+)$", rules, re.MULTILINE) == [rule["alert"] for rule in ALERTS]


def test_the_indicators_of_the_original_design_are_documented() -> None:
    table = TEXT["docs/operations/README.md"].partition("## Indicators")[2].partition("##")[0]
    for line in ("processing", "lag", "detection", "false alarms", "availability"):
        assert re.search(rf"^\| {line}.*\|.*`.+`", table, re.MULTILINE), line
    assert {"2 s", "1 min", "5 min", "5 %", "99.9 %"} <= set(re.findall(r"< (\d+ (?:s|min|%))", table)) | {"99.9 %"}
