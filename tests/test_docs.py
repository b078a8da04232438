"""The README and the reference pages are true: their tables and examples are those of the code."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import fields

import pytest

from commands import cli
from contract.topics import TOPICS
from core.installation import ROOT
from core.settings import Settings, variable
from jobs import detect
from udfs.alerts import lifecycle
from udfs.alerts.candidates import EVIDENCE
from udfs.alerts.state import State
from udfs.readings import decode, event_time
from udfs.texts.alert_messages import ALARM_BITS, COMMUNICATION_ERROR

README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md")}
MOST_README_LINES = 150
MOST_ARCHITECTURE_LINES = 200
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


@pytest.mark.parametrize("line", setting_lines())
def test_reference_of_settings_has_the_line_that_the_code_says(line: str) -> None:
    assert line in REFERENCE["settings"].splitlines()


@pytest.mark.parametrize("line", bit_lines())
def test_reference_of_alarm_bits_has_the_line_that_the_code_says(line: str) -> None:
    assert line in REFERENCE["measurements"].splitlines()


def test_reference_lists_no_setting_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `(FIRE_\w+)`", REFERENCE["settings"], re.M)) == {variable(each.name) for each in fields(Settings)}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_is_in_the_reference_with_its_key_and_has_a_schema(topic: object) -> None:
    name, key = topic.name, topic.key  # type: ignore[attr-defined]
    assert re.search(rf"^\| `{name}` \| `{key or 'source'}` \|", REFERENCE["topics"], re.M)
    assert (ROOT / f"infra/schemas/{name}.schema.json").exists()


def test_every_result_of_the_detect_job_has_a_topic() -> None:
    assert {result.replace("_", "-") for result in detect.RESULTS} <= {topic.name for topic in TOPICS}


@pytest.mark.parametrize("name", COMMANDS.choices)
def test_command_is_in_the_reference(name: str) -> None:
    assert re.search(rf"`(?:\./fire )?{name}", REFERENCE["commands"])


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_README_LINES


def test_alert_of_the_readme_is_what_its_message_raises() -> None:
    message, alert = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", README, re.M | re.S))
    [row] = lifecycle.advance(State(), candidate_of(message))
    assert {name: row[name] for name in alert} == alert


def candidate_of(message: dict[str, object]) -> dict[str, object]:
    """The candidate that a message alone is, as the detect job writes it."""
    reading = {name: column.tolist()[0] for name, column in decode.read([json.dumps(message).encode()]).columns.items()}
    evidence = {name: int(value) if name in ("arc_count", "status_bits") else value
                for name, value in reading.items() if name in EVIDENCE}
    [time] = event_time.to_iso(decode.read([json.dumps(message).encode()]).columns["event_ms"])
    return {"kind": "CANDIDATE", "subject_kind": "DEVICE", "subject": reading["device_id"], "site_id": reading["site_id"],
            "cause": "readings", "alert_type": reading["alert_type"], "level": reading["risk_level"],
            "risk_score": reading["risk_score"], "event_time": time, "idx": int(reading["idx"]), **evidence}


def code_paths(page: str) -> list[str]:
    """The paths that a page names in code, as far as they start with a folder of the project."""
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = re.findall(rf"`((?:{folders})(?:/[\w.]+)*)`", (ROOT / page).read_text(encoding="utf-8"))
    return sorted(set(named))


@pytest.mark.parametrize("path", code_paths("docs/architecture.md"))
def test_path_of_the_code_map_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_code_map_has_every_folder_of_the_project() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"sql"}
    assert packages <= set(code_paths("docs/architecture.md"))


def test_architecture_is_short() -> None:
    assert len((ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()) <= MOST_ARCHITECTURE_LINES
