"""Changes Flink's log4j properties to JSON; `python -m infra.local.flink_logs FOLDER` changes those of a folder in place.

The layout is in the jar log4j-layout-template-json in Flink's lib folder; its field names are ECS, as in `core.logs`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from core.errors import FireError

PATTERN = re.compile(r"^(appender\.\w+\.layout)\.type ?= ?PatternLayout\n\1\.pattern ?=.*$", re.MULTILINE)
JSON = r"\1.type = JsonTemplateLayout\n\1.eventTemplateUri = classpath:EcsLayout.json"


class LogFormatError(FireError):
    """Flink's log4j properties are not as expected; the text names the file and the remedy."""


def json_layout(properties: str) -> str:
    """Returns log4j properties whose appenders write one JSON object per line instead of a pattern."""
    return PATTERN.sub(JSON, properties)


def copy(source: Path, target: Path, log_format: str) -> None:
    """Copies Flink's log4j properties to the folder `target`, in the format `text` or `json`.

    Raises:
        LogFormatError: the folder has no log4j properties, or a file has no pattern to replace.
    """
    files = sorted(source.glob("log4j*.properties"))
    if not files:
        raise LogFormatError(f"{source} contains no log4j*.properties; name the conf folder of a Flink distribution")
    for file in files:
        text = file.read_text(encoding="utf-8")
        changed = json_layout(text) if log_format == "json" else text
        if log_format == "json" and "JsonTemplateLayout" not in changed:
            raise LogFormatError(f"{file} has no PatternLayout to replace; set FIRE_LOG_FORMAT=text, or restore the shipped file")
        (target / file.name).write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    copy(Path(sys.argv[1]), Path(sys.argv[1]), "json")
