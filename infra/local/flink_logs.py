"""Flink's log4j properties with JSON instead of patterns: `python -m infra.local.flink_logs FOLDER` rewrites a folder's.

The layout is of the jar log4j-layout-template-json in Flink's own lib; the field names are ECS, as `core.logs` writes them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from core.errors import FireError

PATTERN = re.compile(r"^(appender\.\w+\.layout)\.type ?= ?PatternLayout\n\1\.pattern ?=.*$", re.MULTILINE)
JSON = r"\1.type = JsonTemplateLayout\n\1.eventTemplateUri = classpath:EcsLayout.json"


class LogFormatError(FireError):
    """Flink's log4j properties are not as expected; the text names the file."""


def json_layout(properties: str) -> str:
    """Log4j properties whose appenders write one JSON object a line."""
    return PATTERN.sub(JSON, properties)


def copy(source: Path, target: Path, log_format: str) -> None:
    """Copies Flink's log4j properties into the folder `target`, in the format `text` or `json`.

    Raises:
        LogFormatError: a file holds no pattern that could be replaced, or there is no file.
    """
    files = sorted(source.glob("log4j*.properties"))
    if not files:
        raise LogFormatError(f"{source} holds no log4j*.properties; name the conf folder of a Flink distribution")
    for file in files:
        text = file.read_text(encoding="utf-8")
        changed = json_layout(text) if log_format == "json" else text
        if log_format == "json" and "JsonTemplateLayout" not in changed:
            raise LogFormatError(f"{file} has no PatternLayout to replace; set FIRE_LOG_FORMAT=text, or restore the shipped file")
        (target / file.name).write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[1]), "json")
