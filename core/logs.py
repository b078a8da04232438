"""What processes that run for long say: plain lines for people, or one JSON object a line (ECS field names) for machines.

Standard library only: every command reports its errors through it.
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
"""The logger above all of ours."""


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: `@timestamp`, `log.level`, `log.logger`, `message`, and `error.*` where one is told."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; times are UTC with milliseconds."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"@timestamp": time, "log.level": record.levelname, "message": record.getMessage(), "log.logger": record.name,
                "process.thread.name": record.threadName, "ecs.version": "1.2.0"}
        return json.dumps(line | self._error(record), ensure_ascii=False)

    def _error(self, record: logging.LogRecord) -> dict[str, str]:
        if not record.exc_info or record.exc_info[0] is None:
            return {}
        kind, error, _ = record.exc_info
        return {"error.type": kind.__name__, "error.message": str(error),
                "error.stack_trace": self.formatException(record.exc_info)}


def reporter(name: str, settings: Settings) -> Report:
    """How the process `name` reports: to standard output, in the format of the settings."""
    if settings.log_format == "text":
        return lambda line: print(line, flush=True)
    _use_json()
    return logging.getLogger(f"{ROOT}.{name}").info


def complain(sentence: str) -> None:
    """Reports an error that ends a command: as JSON where that was chosen, else to standard error."""
    if _speaks_json():
        logging.getLogger(ROOT).error(sentence)
    else:
        print(sentence, file=sys.stderr, flush=True)


def _speaks_json() -> bool:
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def _use_json() -> None:
    """Everything that this process says becomes JSON: our lines, the libraries' warnings, and what ends a thread."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(ROOT).setLevel(logging.INFO)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(ROOT).critical("ended by an error that nobody expected", exc_info=(kind, error, trace))
