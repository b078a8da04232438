"""The command line has help with an example for every command, and reports errors as sentences without stack traces."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import cli
from core import durations
from core.installation import ROOT
from tests.conftest import VECTORS, rows

NAMES = next(action for action in cli.build_parser()._actions if isinstance(action, argparse._SubParsersAction)).choices


@pytest.mark.parametrize("name", NAMES)
def test_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parse([name, "--help"])
    output = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"example:\n  ./fire {name}" in output


@pytest.mark.parametrize(("text", "seconds"), [("120", 120), ("120s", 120), ("2m", 120), ("1h", 3600), ("0.5", 0.5)])
def test_duration_is_read_in_seconds_minutes_and_hours(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-5s", "0", "soon", "nan", "inf"])
def test_text_that_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a duration"):
        durations.seconds(text)


def test_unknown_arguments_of_test_go_to_pytest() -> None:
    assert cli.parse(["test", "-k", "scoring", "-x"]).rest == ["-k", "scoring", "-x"]


def test_unknown_argument_of_another_command_is_an_error() -> None:
    with pytest.raises(SystemExit):
        cli.parse(["score", "--nonsense"])


def score(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "commands.cli", "score", *arguments], input=stdin, capture_output=True,
                          cwd=ROOT, check=False)


def test_score_writes_readings_to_output_and_refusals_to_error() -> None:
    done = score(stdin=b'{"deviceId":"a","idx":1,"pcbTemp":72,"timestamp":"2025-10-09T09:00:00Z"}\nrubbish\n')
    reading, refusal = json.loads(done.stdout), json.loads(done.stderr)
    assert (reading["device_id"], reading["event_time"], reading["risk_level"]) == ("a", "2025-10-09T09:00:00.000Z", "CRITICAL")
    assert reading["voltage"] is None and reading["invalid_fields"] == []
    assert refusal["source"] == "-:2" and "not JSON" in refusal["reason"]
    assert done.returncode == 0


def test_score_agrees_with_every_vector_on_every_field() -> None:
    done = score("--field", "message", str(VECTORS / "single_readings.jsonl"))
    readings = [json.loads(line) for line in io.BytesIO(done.stdout)]
    vectors = rows(VECTORS / "single_readings.jsonl")
    assert (len(readings), done.stderr) == (len(vectors), b"")
    for reading, vector in zip(readings, vectors, strict=True):
        for name, value in vector["expect"].items():
            if name != "event_ms":
                assert reading[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), name


def test_score_refuses_every_malformed_vector_into_a_file(tmp_path: Path) -> None:
    refused = tmp_path / "refused.jsonl"
    done = score("--field", "bytes", "--dead-letters", str(refused), str(VECTORS / "malformed.jsonl"))
    assert (done.stdout, len(rows(refused))) == (b"", len(rows(VECTORS / "malformed.jsonl")))
    assert all(row["reason"] for row in rows(refused))


def test_missing_file_gives_a_sentence_and_exit_code_2() -> None:
    done = score("nowhere.jsonl")
    assert done.returncode == 2
    assert done.stderr == b"fire score: nowhere.jsonl does not exist; name a file of JSON lines, or - for standard input\n"


def test_reader_that_stops_early_causes_no_error() -> None:
    command = f"{sys.executable} -m commands.cli score --field message {VECTORS / 'single_readings.jsonl'} | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, cwd=ROOT, check=False)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")
