"""Logs are plain lines for people, or for machines one JSON object per line, whatever the process logs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core import logs
from core.installation import ROOT
from core.settings import Settings
from infra.local import flink_logs
from infra.local.flink import distribution


def output(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own, because logging is configured for a whole process."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT,
                          env={"PYTHONPATH": str(ROOT), "PATH": "", **environment})


REPORT = """
import logging, threading
from core import logs
from core.settings import Settings
report = logs.reporter("notify", Settings.load())
report('a "quoted" line\\nand another, 화재')
logging.getLogger("kafka").warning("a library's warning")
logs.complain("an error with its remedy")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start(); thread.join()
raise ValueError("the end")
"""


def test_json_is_one_object_per_line_for_own_lines_libraries_threads_and_uncaught_errors() -> None:
    done = output(REPORT, FIRE_LOG_FORMAT="json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == "" and done.returncode == 1
    assert [(line["log.level"], line["log.logger"]) for line in lines] == [
        ("INFO", "fire.notify"), ("WARNING", "kafka"), ("ERROR", "fire"), ("CRITICAL", "fire"), ("CRITICAL", "fire")]
    assert lines[0]["message"] == 'a "quoted" line\nand another, 화재'
    assert [line["error.type"] for line in lines[3:]] == ["ZeroDivisionError", "ValueError"]
    assert "Traceback" in lines[4]["error.stack_trace"] and lines[4]["error.message"] == "the end"
    assert all(line["@timestamp"].endswith("Z") and len(line["@timestamp"]) == 24 for line in lines)


def test_text_is_the_bare_line_and_errors_go_to_standard_error() -> None:
    done = output(REPORT.replace("raise", "0 and"), FIRE_LOG_FORMAT="text")
    assert done.stdout == 'a "quoted" line\nand another, 화재\n'
    assert "an error with its remedy" in done.stderr


def test_a_commands_error_is_one_json_line_when_json_is_configured() -> None:
    program = "import sys; from commands import cli as commands; sys.exit(commands.main(['notify']))"
    done = output(program, FIRE_LOG_FORMAT="json", FIRE_KAFKA_BROKERS="127.0.0.1:1", FIRE_HOME="/nonexistent")
    assert done.returncode == 2
    assert "no channels are given" in json.loads(done.stdout)["message"]


@pytest.mark.parametrize("file", sorted((distribution() / "conf").glob("log4j*.properties")), ids=lambda file: file.name)
def test_every_layout_in_flinks_shipped_properties_becomes_json(file: Path) -> None:
    changed = flink_logs.json_layout(file.read_text(encoding="utf-8"))
    assert "PatternLayout" not in changed and "layout.pattern" not in changed
    assert changed.count("JsonTemplateLayout") == changed.count("classpath:EcsLayout.json") > 0
    assert flink_logs.json_layout(changed) == changed


def test_the_jar_of_the_json_layout_is_in_flinks_lib_folder() -> None:
    assert list((distribution() / "lib").glob("log4j-layout-template-json-*.jar"))


def test_a_folder_without_properties_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(flink_logs.LogFormatError, match="contains no log4j"):
        flink_logs.copy(tmp_path, tmp_path, "json")


def test_properties_without_a_pattern_are_refused_rather_than_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "log4j.properties").write_text("rootLogger.level = INFO\n")
    with pytest.raises(flink_logs.LogFormatError, match="has no PatternLayout"):
        flink_logs.copy(tmp_path, tmp_path, "json")


def test_text_is_the_default() -> None:
    assert Settings().log_format == "text" and logs.reporter("x", Settings()) is not None
