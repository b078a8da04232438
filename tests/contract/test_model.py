"""The contract is complete and consistent, and a mistake in it is an error that names its position."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contract.declared import CONTRACT, load
from contract.model import ContractError, Result

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "infra" / "schemas"


def schema(result: Result) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{result.topic}.schema.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("result", CONTRACT.results, ids=lambda result: result.name)
def test_result_has_the_columns_of_its_topic_s_schema(result: Result) -> None:
    assert {column.name for column in result.columns} == set(schema(result)["required"])


@pytest.mark.parametrize("result", CONTRACT.results, ids=lambda result: result.name)
def test_column_is_nullable_exactly_if_its_schema_accepts_null(result: Result) -> None:
    declared = schema(result)
    for column in result.columns:
        of_column = Draft202012Validator(declared["properties"][column.name] | {"$defs": declared.get("$defs", {})})
        assert column.is_nullable == of_column.is_valid(None), column.name


@pytest.mark.parametrize("result", CONTRACT.results, ids=lambda result: result.name)
def test_examples_name_only_columns(result: Result) -> None:
    assert result.examples
    for example in result.examples:
        assert set(example) <= {column.name for column in result.columns}


def test_measured_quantities_have_each_spelling_once() -> None:
    spellings = [spelling for each in CONTRACT.measured for spelling in each.spellings]
    assert len(spellings) == len(set(spellings)) > 10


def test_results_that_share_a_source_agree_on_the_types_of_their_columns() -> None:
    for results in CONTRACT.stored().values():
        types = {(column.name, column.type) for result in results for column in result.columns}
        assert len(types) == len({name for name, _ in types})


def test_key_first_keeps_the_order_of_the_other_columns() -> None:
    readings = CONTRACT.result("readings").tables[0]
    assert [column.name for column in readings.ordered][:6] == ["device_id", "event_time", "idx", "schema_version", "site_id",
                                                                "status_bits"]
    assert set(readings.ordered) == set(readings.columns)


def test_unknown_result_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ContractError, match=r"no result 'humidity'; contract/results declares alert_state, alerts"):
        CONTRACT.result("humidity")


MISTAKES = [
    ("results/risk_spikes.toml", 'type = "score"', 'type = "scores"', r"risk_score\.type must be one of id, name"),
    ("results/risk_spikes.toml", 'key = ["device_id"', 'key = ["device"', r"names 'device', which is not a column"),
    ("results/risk_spikes.toml", "kept_days", "kept_weeks", r"risk_spikes\.toml sets kept_weeks, which is unknown"),
    ("results/risk_spikes.toml", "grain = ", "title_of_grain = ", r"risk_spikes\.toml sets title_of_grain, which is unknown"),
    ("results/candidates.toml", '"@evidence" = {}', '"@evidences" = {}', r'refers to the columns "@evidences", which do not'),
    ("results/site_risk.toml", '"@levels"', '"@level"', r"risk_level refers to the words '@level', which do not"),
    ("measurements.toml", 'minute = ["avg"', 'minute = ["mean"', r"voc\.minute must list only avg, max, min, not mean"),
    ("alerts.toml", 'advice = ["cool", "cut_off"]', 'advice = ["heat"]', r"_CRITICAL refers to the advice heat, which"),
    ("alerts.toml", "[levels]", "[levels", r"alerts\.toml cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "right", "wrong", "sentence"), MISTAKES, ids=[mistake[2] for mistake in MISTAKES])
def test_mistake_is_an_error_that_names_its_position(tmp_path: Path, file: str, right: str, wrong: str, sentence: str) -> None:
    copy = shutil.copytree(ROOT / "contract", tmp_path / "contract")
    declared = (copy / file).read_text(encoding="utf-8")
    assert right in declared
    (copy / file).write_text(declared.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(ContractError, match=sentence):
        load(copy)


def test_new_quantity_is_part_of_every_list_of_measurements(tmp_path: Path) -> None:
    copy = shutil.copytree(ROOT / "contract", tmp_path / "contract")
    with (copy / "measurements.toml").open("a", encoding="utf-8") as file:
        file.write('\n[humidity]\nspellings = ["hum"]\ntype = "number"\nunit = "%"\nminute = ["avg"]\n')
    contract = load(copy)
    assert contract.result("readings").column("humidity").unit == "%"
    assert contract.result("candidates").column("humidity").is_nullable
    assert contract.result("device_minutes").column("avg_humidity").type == "number"
    assert contract.telemetry.column("hum").is_nullable
    with pytest.raises(ContractError, match="alerts has no column 'humidity'"):
        contract.result("alerts").column("humidity")
