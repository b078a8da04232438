"""The README is true: its tables are those of the code."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields

import pytest

from commands import cli
from contract.topics import TOPICS
from core.installation import ROOT
from core.settings import Settings, variable
from jobs import detect
from udfs.texts.alert_messages import ALARM_BITS, COMMUNICATION_ERROR

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = next(action for action in cli.build_parser()._actions if isinstance(action, argparse._SubParsersAction))


def setting_lines() -> list[str]:
    return [f"| `{variable(each.name)}` | {_default(each.default)} | {each.metadata['meaning']}{_choices(each)} |"
            for each in fields(Settings)]


def _default(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else ""


def _choices(each: object) -> str:
    choices = each.metadata["choices"]  # type: ignore[attr-defined]
    return f" ({', '.join(f'`{choice}`' for choice in choices)})" if choices else ""


def bit_lines() -> list[str]:
    return [f"| {alarm.bit} | `{alarm.name}` | {alarm.text.en} | {alarm.text.ko} |"
            for alarm in (*ALARM_BITS, COMMUNICATION_ERROR)]


@pytest.mark.parametrize("line", [*setting_lines(), *bit_lines()])
def test_table_of_the_readme_has_the_line_that_the_code_says(line: str) -> None:
    assert line in README.splitlines()


def test_readme_lists_no_setting_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `(FIRE_\w+)`", README, re.M)) == {variable(each.name) for each in fields(Settings)}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_is_in_the_readme_with_its_key_and_has_a_schema(topic: object) -> None:
    name, key = topic.name, topic.key  # type: ignore[attr-defined]
    assert re.search(rf"^\| `{name}` \| `{key or 'source'}` \|", README, re.M)
    assert (ROOT / f"infra/schemas/{name}.schema.json").exists()


def test_every_result_of_the_detect_job_has_a_topic() -> None:
    assert {result.replace("_", "-") for result in detect.RESULTS} <= {topic.name for topic in TOPICS}


@pytest.mark.parametrize("name", COMMANDS.choices)
def test_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`(?:\./fire )?{name}", README)


def test_files_that_the_readme_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
