"""Golden cases: the rows of each view of the detect job for a few readings on a threshold, next to it, late, or with gaps.

A case is a folder `cases/<view>/<case>`: `telemetry.jsonl` as in `packing`, and `expect.jsonl` with every row that the view must
give, each with the fields that matter; their times are seconds after the case's start, `every` and `times` repeat a row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Rows, rows
from tests.support.packing import Case, of_case, repeated

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[1] / "cases").glob("*/*/expect.jsonl"))
VIEWS = ("device_minutes", "device_5min_aggregates", "temperature_rises", "early_heat", "temperature_anomalies", "co_exposure",
         "risk_spikes", "arc_patterns", "device_correlations", "site_risk", "device_patterns", "lasting_hazards")
KINDS = {"plain", "empty", "on_the_threshold", "just_over", "missing_sensors", "out_of_order", "late", "gap"}
SUBJECT = {"device_correlations": ("device1", "device2"), "site_risk": ("site_id",),
           "lasting_hazards": ("device_id", "alert_type")}
Key = tuple[Any, ...]


def name_of(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


CASES = [Case(name_of(folder), rows(folder / "telemetry.jsonl")) for folder in FOLDERS]


def keyed(view: str, found: Rows) -> dict[Key, dict[str, Any]]:
    """Returns rows by time and device, pair or site; fails for a repeated key."""
    made: dict[Key, dict[str, Any]] = {}
    for row in found:
        key = (row.get("minute_end", row.get("window_end")), *(row[name] for name in SUBJECT.get(view, ("device_id",))))
        assert key not in made, f"{view} holds {key} twice"
        made[key] = row
    return made


def expected(view: str, folder: Path) -> Rows:
    first = {"site_id": "s"} if view == "site_risk" else {} if view == "device_correlations" else {"device_id": "a"}
    lines = [first | line for line in rows(folder / "expect.jsonl")]
    return [row for line in lines for row in repeated(line, "minute_end" if "minute_end" in line else "window_end")]


@pytest.mark.parametrize("view", VIEWS)
def test_view_has_a_case_of_every_kind(view: str) -> None:
    assert {folder.name for folder in FOLDERS if folder.parent.name == view} >= KINDS


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_view_gives_exactly_the_expected_rows(folder: Path, cases: dict[str, Rows], case_starts: dict[str, int]) -> None:
    view, name = folder.parent.name, name_of(folder)
    got = keyed(view, of_case(cases[view], name, case_starts[name]))
    wanted = keyed(view, expected(view, folder))
    assert sorted(got) == sorted(wanted)
    for key, row in wanted.items():
        for field, value in row.items():
            same = got[key][field] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value)
            assert same, f"{view} {key}: {field} is {got[key][field]}, expected {value}"
