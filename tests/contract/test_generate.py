"""Files that follow from the contract are generated, and one that is out of date does not pass the check."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from commands import generate, reference
from contract import marked
from contract.cloudwatch import METRICS
from contract.declared import CONTRACT, load
from contract.model import ContractError
from contract.topics import TOPICS, topics
from core.installation import ROOT
from core.settings import Settings, variable

PARTS = ("infra/aws/templates/msk.yaml", "infra/aws/templates/iot.yaml", "services/dashboard/openapi.yaml")
HUMIDITY = '''
[humidity]
spellings = ["hum", "humidity"]
type = "number"
unit = "%"
range = [0, 100]
digits = 1
name = {en = "humidity", ko = "습도"}
minute = ["avg"]
cloudwatch = "DeviceHumidity"
alerted = true
'''
WINDOW = '''
title = "A device's minute in which its humidity rose"
grain = "one row per device and minute with rising humidity"
topic = "humidity-rises"
partition_by = "device_id"
partitions = 4
topic_days = 7
written_by = ["detect"]
key = ["device_id", "minute_end"]
kept_days = 90

[columns]
device_id = {type = "id"}
minute_end = {type = "time", means = "exclusive"}
humidity_rise = {type = "number", unit = "%", above = 0}

[[examples]]
device_id = "dev-07"
minute_end = "2025-10-09T09:31:00.000Z"
humidity_rise = 12.5
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copies the generated files, and those with generated parts, to a folder."""
    for path in generate.files(CONTRACT, ROOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


@pytest.fixture
def grown(tmp_path: Path) -> dict[str, str]:
    """Generates the files from a contract with one more quantity and one more window result."""
    copy = shutil.copytree(ROOT / "contract", tmp_path / "contract")
    with (copy / "measurements.toml").open("a", encoding="utf-8") as file:
        file.write(HUMIDITY)
    (copy / "results" / "humidity_rises.toml").write_text(WINDOW, encoding="utf-8")
    return generate.files(load(copy), ROOT)


def test_files_of_the_repository_are_up_to_date() -> None:
    generate.check(ROOT, generate.files(CONTRACT, ROOT))


def test_command_of_the_check_succeeds_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.run(argparse.Namespace(check=True)) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", ["infra/schemas/readings.schema.json", "docs/reference/topics.md"])
def test_file_changed_by_hand_is_named_with_the_remedy(tree: Path, path: str) -> None:
    with (tree / path).open("a", encoding="utf-8") as file:
        file.write("by hand\n")
    with pytest.raises(generate.GenerateError, match=rf"do not: {path}; run ./fire generate and commit"):
        generate.check(tree, generate.files(CONTRACT, tree))


@pytest.mark.parametrize("path", PARTS)
def test_generated_part_changed_by_hand_is_named(tree: Path, path: str) -> None:
    text = (tree / path).read_text(encoding="utf-8")
    part = text.index(marked.START.partition("{")[0])
    (tree / path).write_text(text[:part] + text[part:].replace("voltage", "tension", 1).replace("Readings", "Reading", 1)
                             .replace("volt,", "tension,", 1), encoding="utf-8")
    with pytest.raises(generate.GenerateError, match=path):
        generate.check(tree, generate.files(CONTRACT, tree))


@pytest.mark.parametrize("path", PARTS)
def test_text_around_a_generated_part_stays(tree: Path, path: str) -> None:
    written = "# by hand\n" + (tree / path).read_text(encoding="utf-8") + "# by hand too\n"
    (tree / path).write_text(written, encoding="utf-8")
    assert generate.write(tree, generate.files(CONTRACT, tree)) == []
    assert (tree / path).read_text(encoding="utf-8") == written


def test_writing_restores_missing_files_and_deletes_left_over_ones(tree: Path) -> None:
    left_over, missing = "infra/schemas/humidity.schema.json", "docs/reference/alarm-bits.md"
    (tree / left_over).write_text("{}", encoding="utf-8")
    (tree / missing).unlink()
    with pytest.raises(generate.GenerateError, match=f"{missing}, {left_over}"):
        generate.check(tree, generate.files(CONTRACT, tree))
    assert generate.write(tree, generate.files(CONTRACT, tree)) == [missing, left_over]
    generate.check(tree, generate.files(CONTRACT, tree))


def test_part_without_its_comments_is_an_error_that_names_file_and_comments() -> None:
    with pytest.raises(ContractError, match=r"msk\.yaml must contain the comments .*topics' and '# end of topics' once"):
        marked.replaced("Resources:\n", "topics", (), "msk.yaml")


def test_part_has_the_indentation_of_its_comment_and_other_lines_stay() -> None:
    start, end = marked.START.format(part="a"), marked.END.format(part="a")
    text = f"x:\n  {start}\n  old: 1\n  {end}\ny: 2\n"
    assert marked.replaced(text, "a", ("b:", "  - c"), "file") == f"x:\n  {start}\n  b:\n    - c\n  {end}\ny: 2\n"


def test_new_quantity_reaches_every_generated_file_that_lists_measurements(grown: dict[str, str]) -> None:
    schemas = {name: json.loads(grown[f"infra/schemas/{name}.schema.json"]) for name in ("readings", "telemetry", "alerts")}
    assert schemas["readings"]["properties"]["humidity"] == {"description": "%", "type": ["number", "null"]}
    assert "humidity" in schemas["readings"]["properties"]["invalid_fields"]["items"]["enum"]
    assert {"hum", "humidity"} <= set(schemas["telemetry"]["properties"]) and "humidity" in schemas["alerts"]["required"]
    jsonschema.validate({"deviceId": "dev-1", "idx": 1, "hum": "45.5"}, schemas["telemetry"])
    assert "hum AS humidity," in grown["infra/aws/templates/iot.yaml"]
    described = yaml.safe_load(grown["services/dashboard/openapi.yaml"])["components"]["schemas"]
    assert described["Reading"]["properties"]["humidity"] == described["Measurements"]["properties"]["humidity"]
    assert ("| `humidity` | `hum`, `humidity` | number | % | 0 to 100 |  | humidity | 습도 |  |"
            in grown["docs/reference/measurements.md"].splitlines())


def test_new_window_reaches_every_generated_file_that_lists_results(grown: dict[str, str]) -> None:
    schema = json.loads(grown["infra/schemas/humidity-rises.schema.json"])
    [example] = schema["examples"]
    jsonschema.validate(example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(example | {"humidity_rise": 0}, schema)
    kafka = grown["infra/aws/templates/msk.yaml"]
    assert '.humidity-rises", PartitionCount: !Ref PartitionCount' in kafka
    assert kafka.count("!GetAtt HumidityRises.TopicArn") == 2  # what the detect job writes, and the store reads
    assert "## humidity_rises" in grown["docs/reference/results.md"]
    assert "| `humidity-rises` | `device_id` | 4 | 7 days | detect | store |" in grown["docs/reference/topics.md"]


def test_first_line_of_a_page_says_that_it_is_generated() -> None:
    for path, text in generate.files(CONTRACT, ROOT).items():
        if path.startswith("docs/reference/"):
            assert text.startswith("<!-- Generated by `./fire generate` from "), path


def test_every_setting_command_and_option_is_in_the_reference() -> None:
    pages = reference.render()
    settings, commands = pages["docs/reference/settings.md"], pages["docs/reference/commands.md"]
    assert all(f"| `{variable(name)}` |" in settings for name in Settings.__dataclass_fields__)
    for name, sub in reference.subcommands().items():
        section = commands.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert f"./fire {name}" in section
        assert all(f"`{action.option_strings[0]}" in section for action in sub._actions if action.option_strings
                   and not isinstance(action, argparse._HelpAction)), name


def test_help_of_commands_contains_no_placeholder() -> None:
    assert "%" not in reference.render()["docs/reference/commands.md"]


def test_topics_are_the_messages_and_the_results_keyed_by_a_column() -> None:
    assert len(TOPICS) == len(CONTRACT.results) + 1 == len({topic.name for topic in TOPICS})
    assert topics(CONTRACT) == TOPICS and TOPICS[0].name == "telemetry"
    assert next(topic for topic in TOPICS if topic.name == "alerts").retention_days * 86_400_000 == 2_592_000_000


def test_metrics_of_cloudwatch_are_fields_of_a_reading() -> None:
    assert len(METRICS) == 8
    assert set(METRICS.values()) <= {column.name for column in CONTRACT.result("readings").columns}
