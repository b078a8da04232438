"""The README and the architecture are short and true, and the generated reference pages are up to date."""

from __future__ import annotations

import json
import re

import pytest

from commands import generate
from contract.declared import CONTRACT
from core.installation import ROOT
from udfs.alerts import lifecycle
from udfs.alerts.candidates import EVIDENCE
from udfs.alerts.state import State
from udfs.readings import decode, event_time

README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_README_LINES, MOST_ARCHITECTURE_LINES = 150, 200


def test_generated_files_are_up_to_date() -> None:
    generate.check(ROOT, generate.files(CONTRACT, ROOT))


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_README_LINES


def test_alert_of_the_readme_is_the_one_that_its_message_raises() -> None:
    message, alert = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", README, re.M | re.S))
    [row] = lifecycle.advance(State(), candidate_of(message))
    assert {name: row[name] for name in alert} == alert


def candidate_of(message: dict[str, object]) -> dict[str, object]:
    """Returns the candidate of a single message, as the detect job writes it."""
    reading = {name: column.tolist()[0] for name, column in decode.read([json.dumps(message).encode()]).columns.items()}
    evidence = {name: int(value) if name in ("arc_count", "status_bits") else value
                for name, value in reading.items() if name in EVIDENCE and value == value}
    [time] = event_time.to_iso(decode.read([json.dumps(message).encode()]).columns["event_ms"])
    return {"kind": "CANDIDATE", "subject_kind": "DEVICE", "subject": reading["device_id"], "site_id": reading["site_id"],
            "cause": "readings", "alert_type": reading["alert_type"], "level": reading["risk_level"],
            "risk_score": reading["risk_score"], "event_time": time, "idx": int(reading["idx"]), **evidence}


def code_paths(page: str) -> list[str]:
    """Returns the paths in a page's code spans that start with a folder of the project."""
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
