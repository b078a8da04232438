"""Log output of the commands and services: plain lines for people, or JSON lines with ECS field names for machines.

Uses only the standard library, because every command reports its errors through this module.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from core.settings import Settings

Report = Callable[[str], None]
ROOT = "fire"
"""Name of the project's root logger."""


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object with `@timestamp`, `log.level`, `log.logger`, `message` and any `error.*`."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line; times are UTC with milliseconds."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"@timestamp": time, "log.level": record.levelname, "message": record.getMessage(), "log.logger": record.name,
                "process.thread.name": record.threadName, "ecs.version": "1.2.0"}
        return json.dumps(line | self._error(record), ensure_ascii=False)

    def _error(self, record: logging.LogRecord) -> dict[str, str]:
        if not record.exc_info or record.exc_info[0] is None:
            return {}
        error_type, error, _ = record.exc_info
        return {"error.type": error_type.__name__, "error.message": str(error),
                "error.stack_trace": self.formatException(record.exc_info)}


def reporter(name: str, settings: Settings) -> Report:
    """Returns a function that writes lines of the process `name` to standard output, in the configured format."""
    if settings.log_format == "text":
        return lambda line: print(line, flush=True)
    _use_json()
    return logging.getLogger(f"{ROOT}.{name}").info


def complain(sentence: str) -> None:
    """Reports the error that ends a command: as a JSON line if this process logs JSON, otherwise to standard error."""
    if _speaks_json():
        logging.getLogger(ROOT).error(sentence)
    else:
        print(sentence, file=sys.stderr, flush=True)


def _speaks_json() -> bool:
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def _use_json() -> None:
    """Turns all output of this process into JSON: its own lines, warnings of libraries and uncaught exceptions."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(ROOT).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def _uncaught(error_type: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(ROOT).critical("ended by an unexpected error", exc_info=(error_type, error, trace))
