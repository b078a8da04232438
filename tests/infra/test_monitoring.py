"""Rules, board and scrape configuration are well formed and name runbooks that exist.

The end-to-end tests compare their metrics with a real scrape.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from core.installation import ROOT

RULES = ROOT / "infra" / "prometheus" / "rules.yml"
BOARD: dict[str, Any] = json.loads((ROOT / "infra/grafana/boards/fire.json").read_text(encoding="utf-8"))
GROUPS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
RECORDS = [rule for group in GROUPS for rule in group["rules"] if "record" in rule]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
PANELS: list[dict[str, Any]] = BOARD["panels"]


def expressions() -> list[str]:
    """Returns every PromQL expression of the rules and the board."""
    return [rule["expr"] for rule in RECORDS + ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alert_has_a_severity_a_sentence_and_a_runbook_that_exists(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    page, _, heading = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert heading == rule["alert"].lower() and rule["alert"] in headings


def test_every_recorded_series_in_use_is_recorded() -> None:
    asked = {name for text in expressions() for name in re.findall(r"\bfire:[\w:]+", text)}
    assert asked <= {rule["record"] for rule in RECORDS}


@pytest.mark.parametrize("text", expressions())
def test_expression_has_balanced_brackets_and_names_only_our_metrics(text: str) -> None:
    assert all(text.count(opening) == text.count(closing) for opening, closing in ("()", "[]", "{}"))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|group_left) *\([^)]*\)", "", text)
    functions = {"histogram_quantile", "sum", "rate", "max", "min", "or", "and", "bool", "vector", "increase", "delta", "absent",
                 "max_over_time", "avg_over_time", "up"}
    words = set(re.findall(r"[a-z_][a-z_:0-9]*", re.sub(r"\b[0-9.]+[smhd]?\b", "", bare)))
    assert {word for word in words if not re.match("fire[_:]", word)} <= functions


def test_rules_are_accepted_by_promtool() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; with Prometheus's package on the PATH this runs promtool check rules")
    done = subprocess.run(["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_of_the_board_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = [(x, y) for panel in PANELS for at in [panel["gridPos"]] for x in range(at["x"], at["x"] + at["w"])
             for y in range(at["y"], at["y"] + at["h"])]
    assert len(set(cells)) == len(cells) and max(x for x, _ in cells) < 24


def test_board_and_its_provisioning_name_the_same_data_source() -> None:
    provisioned = yaml.safe_load((ROOT / "infra/grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    uid = provisioned["datasources"][0]["uid"]
    assert {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]} == {uid}


def test_every_indicator_of_the_design_is_on_the_board() -> None:
    titles = {panel["title"] for panel in PANELS}
    assert {"Event to reading, p95", "Oldest unread record", "Event to alert, p95", "False alarms"} <= titles
    assert "Availability, 30 days" in titles
